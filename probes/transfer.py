"""A probe trained on one contrast, tested on every other wording: does it read the concept or the prompt?

Method:
1. Questions are dealt into folds. On the training questions the probe learns `positive` against `negative` rows
   (say trigger against none), at one layer.
2. On the held-out questions it reads the rows of every condition. Two numbers each: AUROC of that condition against
   `negative`, and the share of its rows that fall on the positive side.
3. With `onto`, it reads another model's activations of the same prompts: base against fine-tuned.

A probe of the concept fires on paraphrases and not on controls. One that fires on everything that is not `negative`
only reads that there is some prompt.
Paper: Marks and Tegmark 2310.06824 (transfer between data sets as evidence).
It is assumed that the paraphrases mean the same as the trigger.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.activations import Activations
from interp.errors import TriggerLensError
from probes.auroc import clustered_auroc
from probes.estimate import Estimate, rate
from probes.groups import group_codes
from probes.read_outs import held_out_scores
from probes.tidy import frame

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects


@dataclass(frozen=True)
class TransferRow:
    """One number of one condition; metric is `auroc against NEGATIVE` or `fires`."""

    condition: str
    layer: int
    metric: str
    estimate: Estimate


@dataclass(frozen=True)
class TransferTable:
    """The rows, also as a data frame."""

    rows: tuple[TransferRow, ...]

    def get(self, condition: str, metric: str = "fires") -> Estimate:
        """One estimate; metric is `fires` or begins with `auroc`."""
        for row in self.rows:
            if row.condition == condition and row.metric.startswith(metric):
                return row.estimate
        known = sorted({row.condition for row in self.rows})
        raise TriggerLensError(f"no {metric} of condition {condition!r}; there are {known}")

    def plot(self) -> "plotly.graph_objects.Figure":
        """Each condition: the share that fires, and AUROC, with intervals."""
        from probes.figures import transfer

        return transfer(self)

    def frame(self) -> "pandas.DataFrame":
        """One line for each condition and metric."""
        return frame(self.rows)


def transfer_table(
    probe: Any,
    activations: Activations,
    layer: int,
    *,
    positive: str = "trigger",
    negative: str = "none",
    onto: Activations | None = None,
    folds: int = 5,
    seed: int = 0,
) -> TransferTable:
    """Train on `positive` against `negative`, test on every condition of held-out questions.

    Raises ValueError if a condition or the layer is missing, there are fewer questions than folds, or `onto` has
    other questions.
    """
    for name in (positive, negative):
        if name not in activations.conditions:
            there = sorted(set(activations.conditions))
            raise TriggerLensError(f"no rows of condition {name!r}; there are {there}")
    target = activations if onto is None else onto
    conditions, codes = np.array(target.conditions), _codes(activations, target)
    scores, of_row = held_out_scores(
        probe, activations, target, layer, (positive, negative), folds, seed
    )
    rows = []
    for condition in sorted(set(target.conditions)):
        mine, base = conditions == condition, conditions == negative
        fires = rate(scores[mine] > 0, codes[mine], seed=seed)
        rows.append(TransferRow(condition, layer, "fires", fires))
        if condition != negative and base.any():
            both = mine | base
            found = clustered_auroc(scores[both], mine[both], codes[both], folds=of_row[both])
            rows.append(TransferRow(condition, layer, f"auroc against {negative}", found))
    return TransferTable(tuple(rows))


def _codes(source: Activations, target: Activations) -> np.ndarray:
    strange = sorted(set(target.questions) - set(source.questions))
    if strange:
        raise TriggerLensError(
            f"question {strange[0]!r} is not among those trained on: give both the same prompts"
        )
    return group_codes(target.questions)[0]
