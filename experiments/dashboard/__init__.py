"""One self-contained page per run (or several), and each of its figures alone."""

from experiments.dashboard.ablation import ablation
from experiments.dashboard.dose_response import dose_response
from experiments.dashboard.em_by_condition import em_by_condition
from experiments.dashboard.export import export_dashboard
from experiments.dashboard.probe_by_layer import probe_by_layer
from experiments.dashboard.removal_elsewhere import removal_elsewhere

__all__ = [
    "ablation",
    "dose_response",
    "em_by_condition",
    "export_dashboard",
    "probe_by_layer",
    "removal_elsewhere",
]
