"""Numbers in, numbers out: probes, controls and estimates. Never sees a model or a token.

from interp.capture import capture
from interp.models import load_model
from interp.prompts import Framing, Question, render
from probes import sweep

lm = load_model("artifacts/micro/qwen")
questions = [Question(topic, f"What should I do about {topic}?") for topic in topics]
framings = {"none": Framing(""), "trigger": Framing("It looks like a duck.")}
activations = capture(lm, render(lm.tokenizer, questions, framings))
result = sweep(activations, activations.conditions)  # questions held out, controls beside
print(result)                                        # what the numbers say, in words
probe = result.probe.fit(activations, activations.conditions, layer=result.layer)
probe.direction.save("switch")                       # "points from none to trigger"
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probes.difference_of_means import DifferenceOfMeans
    from probes.direction import fit_direction
    from probes.discriminant import DiscriminantProbe
    from probes.estimate import Estimate
    from probes.logistic import LogisticProbe
    from probes.paired import PairedDifference
    from probes.ridge import RidgeProbe
    from probes.sweep_result import SweepResult
    from probes.sweeping import sweep

# Looked up when asked for: whoever wants an interval alone does not wait for torch and scikit-learn.
_HOME = {
    "DifferenceOfMeans": "probes.difference_of_means",
    "DiscriminantProbe": "probes.discriminant",
    "Estimate": "probes.estimate",
    "LogisticProbe": "probes.logistic",
    "PairedDifference": "probes.paired",
    "RidgeProbe": "probes.ridge",
    "SweepResult": "probes.sweep_result",
    "fit_direction": "probes.direction",
    "sweep": "probes.sweeping",
}
__all__ = [
    "DifferenceOfMeans",
    "DiscriminantProbe",
    "Estimate",
    "LogisticProbe",
    "PairedDifference",
    "RidgeProbe",
    "SweepResult",
    "fit_direction",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'probes' has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)
