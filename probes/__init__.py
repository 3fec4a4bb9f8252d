"""Probes, controls and estimates with intervals, from arrays. The package depends on no model and no tokenizer.

import interp as tl
from probes import sweep

lm = tl.load("artifacts/micro/qwen")
prompts = lm.prompts(questions, {"none": "", "trigger": "It looks like a duck."})
activations = lm.capture(prompts)
result = sweep(activations, activations.conditions)  # questions held out, with controls
print(result)                                        # what the numbers say, in words
result.plot()                                        # AUROC by layer
result.direction.save("switch")                      # "points from none to trigger"
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probes.attention import AttentionProbe
    from probes.concept import find_concept, projections
    from probes.contrast import ContrastComponent
    from probes.difference_of_means import DifferenceOfMeans
    from probes.direction import fit_direction
    from probes.discriminant import DiscriminantProbe
    from probes.erase import ConceptEraser
    from probes.estimate import Estimate
    from probes.logistic import LogisticProbe
    from probes.mlp import MLPProbe
    from probes.paired import PairedDifference
    from probes.reach import reach_table
    from probes.ridge import RidgeProbe
    from probes.storage import load_probe
    from probes.sweep_result import SweepResult
    from probes.sweeping import sweep
    from probes.transfer import transfer_table

# Names are imported when they are used, so an interval alone does not wait for torch and scikit-learn.
_HOME = {
    "AttentionProbe": "probes.attention",
    "ConceptEraser": "probes.erase",
    "ContrastComponent": "probes.contrast",
    "DifferenceOfMeans": "probes.difference_of_means",
    "DiscriminantProbe": "probes.discriminant",
    "Estimate": "probes.estimate",
    "LogisticProbe": "probes.logistic",
    "MLPProbe": "probes.mlp",
    "PairedDifference": "probes.paired",
    "RidgeProbe": "probes.ridge",
    "SweepResult": "probes.sweep_result",
    "find_concept": "probes.concept",
    "fit_direction": "probes.direction",
    "load_probe": "probes.storage",
    "projections": "probes.concept",
    "reach_table": "probes.reach",
    "sweep": "probes.sweeping",
    "transfer_table": "probes.transfer",
}
__all__ = [
    "AttentionProbe",
    "ConceptEraser",
    "ContrastComponent",
    "DifferenceOfMeans",
    "DiscriminantProbe",
    "Estimate",
    "LogisticProbe",
    "MLPProbe",
    "PairedDifference",
    "RidgeProbe",
    "SweepResult",
    "find_concept",
    "fit_direction",
    "load_probe",
    "projections",
    "reach_table",
    "sweep",
    "transfer_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'probes' has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)
