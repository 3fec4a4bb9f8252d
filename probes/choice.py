"""Choosing among places, probes and strengths without seeing the rows that are reported.

Method: each fold, for each label set, picks the cell with the best inner AUROC (the first on a tie); the picked cell's
held-out read-outs of that fold measure what the choice is worth. Shuffled labels go through the same choice, so that
the best of many probes is compared with the best of many nulls.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from probes.calibration import probabilities
from probes.nested import Chosen, fold_auroc
from probes.places import Place
from probes.splits import Folds


@dataclass(frozen=True, eq=False)
class Cell:
    """One probe at one place, with the strengths it tried and what its folds chose."""

    place: Place
    probe: str
    strengths: tuple[Any, ...]
    chosen: Chosen

    @property
    def strength(self) -> Any:
        """The strength that most folds chose."""
        return self.strengths[Counter(self.chosen.strength[:, 0].tolist()).most_common(1)[0][0]]


@dataclass(frozen=True, eq=False)
class Choice:
    """The performance of several cells when each fold picks one; `cell` is the one that most folds picked."""

    cell: Cell
    agreed: int  # how many folds picked it
    scores: Float[np.ndarray, " row"]
    probability: Float[np.ndarray, " row"]
    auroc: float
    nulls: tuple[float, ...]  # the same with shuffled labels


def choose_among(cells: Sequence[Cell], sets: Bool[np.ndarray, "fit row"], folds: Folds) -> Choice:
    """The nested choice among cells of one sweep."""
    inner = np.stack([np.nan_to_num(cell.chosen.inner_auroc, nan=-1.0) for cell in cells])
    picked = inner.argmax(axis=0)  # fold, fit
    scores = np.full(sets.shape, np.nan, np.float32)
    probability = np.full(sets.shape[1], np.nan)
    for fold in range(folds.count):
        mine = folds.of_row == fold
        for fit, number in enumerate(picked[fold]):
            scores[fit, mine] = cells[number].chosen.scores[fit, mine]
        best = cells[picked[fold, 0]].chosen
        probability[mine] = probabilities(best.scores[0], best.inner_scores, sets[0], folds)[mine]
    aurocs = fold_auroc(scores, sets, folds)
    most, agreed = Counter(picked[:, 0].tolist()).most_common(1)[0]
    nulls = tuple(aurocs[1:][np.isfinite(aurocs[1:])].tolist())
    return Choice(cells[most], agreed, scores[0], probability, float(aurocs[0]), nulls)
