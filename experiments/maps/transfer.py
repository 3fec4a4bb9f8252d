"""Trained on one wording, read on every other: does a probe read the concept, or that there is a prompt at all?

Method: for each wording a probe (difference of means) learns that wording against no trigger and, for the trigger,
against each control; on held-out questions it reads every wording. The number is the share that it calls positive.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.estimates import EstimateRow
from interp.activations import Activations
from probes.difference_of_means import DifferenceOfMeans
from probes.transfer import transfer_table

FOLDS = 5


def transfer_rows(
    activations: Activations, layer: int, keys: Mapping[str, Any], *, seed: int
) -> Iterator[EstimateRow]:
    """One row for each contrast and condition; none where there are fewer questions than folds."""
    if len(set(activations.questions)) < FOLDS:
        return
    place = {**keys, "source": "difference of means", "position": activations.position}
    for positive, negative in contrasts(list(dict.fromkeys(activations.conditions))):
        table = transfer_table(
            DifferenceOfMeans(),
            activations,
            layer,
            positive=positive,
            negative=negative,
            folds=FOLDS,
            seed=seed,
        )
        for row in table.rows:
            if row.metric == "fires":
                yield EstimateRow.of(
                    row.estimate,
                    quantity="transfer_fires",
                    condition=row.condition,
                    layer=layer,
                    contrast=f"{positive} against {negative}",
                    **place,
                )


def contrasts(conditions: list[str]) -> list[tuple[str, str]]:
    """What is told apart: each wording from none, and the trigger from each control."""
    if "none" not in conditions:
        return []
    controls = [name for name in conditions if name.startswith("control:")]
    against_none = [(name, "none") for name in conditions if name != "none"]
    return against_none + [("trigger", name) for name in controls if "trigger" in conditions]
