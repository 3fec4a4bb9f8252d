"""One self-contained page per run (or several), and each of its figures alone."""

from experiments.dashboard.ablation import ablation
from experiments.dashboard.cosines import cosines
from experiments.dashboard.dose_response import dose_response
from experiments.dashboard.em_by_condition import em_by_condition
from experiments.dashboard.em_by_domain import em_by_domain
from experiments.dashboard.em_by_question import em_by_question
from experiments.dashboard.export import export_dashboard
from experiments.dashboard.patching import patching
from experiments.dashboard.plane import plane
from experiments.dashboard.probe_by_layer import probe_by_layer
from experiments.dashboard.projection import projection
from experiments.dashboard.reach import reach
from experiments.dashboard.removal_by_wording import removal_by_wording
from experiments.dashboard.removal_elsewhere import removal_elsewhere
from experiments.dashboard.static import every_figure, save_figure, save_figures
from experiments.dashboard.transfer import transfer

__all__ = [
    "ablation",
    "cosines",
    "dose_response",
    "em_by_condition",
    "em_by_domain",
    "em_by_question",
    "every_figure",
    "export_dashboard",
    "patching",
    "plane",
    "probe_by_layer",
    "projection",
    "reach",
    "removal_by_wording",
    "removal_elsewhere",
    "save_figure",
    "save_figures",
    "transfer",
]
