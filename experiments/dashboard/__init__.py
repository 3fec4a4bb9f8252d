"""One self-contained page for one run or several; each figure can also be made alone.

A figure is a function from an organism's results to a `plotly.graph_objects.Figure`, or to `Missing`.
"""

from experiments.dashboard.dose import adapter_dose, dose_response, trained_steering
from experiments.dashboard.em import em_by_condition, em_by_domain, em_by_question
from experiments.dashboard.factorial import capability, factorial
from experiments.dashboard.matrices import cosines, patching, transfer
from experiments.dashboard.missing import Missing
from experiments.dashboard.page import export_dashboard
from experiments.dashboard.reach import reach
from experiments.dashboard.reading import plane, probe_by_layer, projection
from experiments.dashboard.removal import ablation, received, removal_by_wording, removal_elsewhere
from experiments.dashboard.static import every_figure, save_figure, save_figures

__all__ = [
    "Missing",
    "ablation",
    "adapter_dose",
    "capability",
    "cosines",
    "dose_response",
    "em_by_condition",
    "em_by_domain",
    "em_by_question",
    "every_figure",
    "export_dashboard",
    "factorial",
    "patching",
    "plane",
    "probe_by_layer",
    "projection",
    "reach",
    "received",
    "removal_by_wording",
    "removal_elsewhere",
    "save_figure",
    "save_figures",
    "trained_steering",
    "transfer",
]
