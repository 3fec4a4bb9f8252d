"""Probes trained on one wording and read on every other: do they read the concept, or any wording at all?

Method: for each wording, a difference-of-means probe is fitted to separate it from no wording; the trigger is also
separated from each control. On held-out questions the probe reads every wording; the number is the share that it calls
positive.
"""

import numpy as np

from experiments.results.columns import wording_columns
from experiments.results.facts import FactWriter
from interp.activations import Activations
from probes.difference_of_means import DifferenceOfMeans
from probes.read_outs import held_out_scores

SOURCE = "difference of means"
FOLDS = 5


def write_transfer(facts: FactWriter, activations: Activations, layer: int, seed: int) -> None:
    """Whether each prompt is called positive, for each contrast; nothing with fewer questions than folds."""
    if len(set(activations.questions)) < FOLDS:
        return
    conditions = np.array(activations.conditions)
    place = {"source": SOURCE, "position": activations.position, "layer": layer}
    for positive, negative in contrasts(list(dict.fromkeys(activations.conditions))):
        pair = (positive, negative)
        scores, _ = held_out_scores(
            DifferenceOfMeans(), activations, activations, layer, pair, FOLDS, seed
        )
        for condition in sorted(set(activations.conditions)):
            rows = np.flatnonzero(conditions == condition)
            facts.values(
                "transfer_fires",
                scores[rows] > 0,
                [activations.questions[row] for row in rows],
                contrast=f"{positive} against {negative}",
                **wording_columns(condition),
                **place,
            )


def contrasts(conditions: list[str]) -> list[tuple[str, str]]:
    """(positive, negative) conditions: each wording and none, and the trigger and each control."""
    if "none" not in conditions:
        return []
    controls = [name for name in conditions if name.startswith("control:")]
    against_none = [(name, "none") for name in conditions if name != "none"]
    return against_none + [("trigger", name) for name in controls if "trigger" in conditions]
