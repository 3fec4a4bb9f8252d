"""How far each wording is from the trigger.

Three measures (`experiments.study.steps.figure_data.distances`): shared words; the organism's own representation at
one layer; meaning, by a sentence model if the extra `triggerlens[distance]` is installed.
"""

from collections.abc import Mapping

from experiments.runtime.extras import has
from experiments.study.steps.figure_data.distances import (
    representation_distance,
    sentence_distance,
    word_distance,
)
from interp.activations import Activations

Distances = dict[str, dict[str, float]]


def distances(wordings: Mapping[str, str], activations: Activations, layer: int) -> Distances:
    """Measure -> condition -> distance from the trigger, 0 for the trigger itself."""
    found = {
        "words": word_distance(wordings),
        "representation": representation_distance(activations, layer),
    }
    if has("distance"):
        found["meaning"] = sentence_distance(wordings)
    return {
        measure: {name: round(value, 4) for name, value in by_name.items()}
        for measure, by_name in found.items()
    }
