"""How far a trigger's meaning reaches: projection and EM of each wording against its distance from the trigger.

Method: the caller computes distances (word overlap, the base model's own representation, a sentence model); `probes`
sees no tokens. Spearman's rank correlation over wordings; its interval resamples wordings, because a claim about
"wordings further away" generalises over wordings. With few wordings the intervals are wide, as they should be.

A distance may measure meaning or wording; compare several.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from interp.errors import TriggerLensError
from probes.estimate import LEVEL, RESAMPLES, Estimate, undefined
from probes.tidy import frame

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects

FEWEST = 4  # wordings, below which a rank correlation says nothing


@dataclass(frozen=True)
class ReachRow:
    """One wording: how far it is from the trigger by one measure, and what it does."""

    condition: str
    measure: str
    distance: float
    quantity: str  # projection, EM, ...
    estimate: Estimate


@dataclass(frozen=True)
class ReachTable:
    """The rows, and one rank correlation for each measure and quantity (negative: it decreases with distance)."""

    rows: tuple[ReachRow, ...]
    correlations: Mapping[tuple[str, str], Estimate]

    def plot(self) -> "plotly.graph_objects.Figure":
        """Each wording's quantity against its distance, with intervals."""
        from probes.figures import reach

        return reach(self)

    def frame(self) -> "pandas.DataFrame":
        """One line for each wording, measure and quantity."""
        return frame(self.rows)


def reach_table(
    quantities: Mapping[str, Mapping[str, Estimate]],
    distances: Mapping[str, Mapping[str, float]],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ReachTable:
    """Match {quantity: {condition: estimate}} with {measure: {condition: distance}}, over the conditions in both."""
    rows = tuple(
        ReachRow(condition, measure, float(away[condition]), quantity, estimate)
        for measure, away in distances.items()
        for quantity, found in quantities.items()
        for condition, estimate in found.items()
        if condition in away and estimate.value is not None
    )
    if not rows:
        raise TriggerLensError(
            "no condition has both a distance and an estimate: do their names agree?"
        )
    correlations = {
        (measure, quantity): _spearman(
            [row for row in rows if (row.measure, row.quantity) == (measure, quantity)],
            level,
            resamples,
            seed,
        )
        for measure in distances
        for quantity in quantities
    }
    return ReachTable(rows, correlations)


def _spearman(rows: list[ReachRow], level: float, resamples: int, seed: int) -> Estimate:
    n = len(rows)
    if n < FEWEST:
        return undefined(f"{n} wordings; a rank correlation needs at least {FEWEST}", level, n)
    x, y = np.array([(row.distance, row.estimate.value) for row in rows], float).T
    value = _correlation(x, y)
    if not np.isfinite(value):
        return undefined("all wordings are equally far, or do the same", level, n)
    drawn = np.random.default_rng(seed).integers(n, size=(resamples, n))
    with np.errstate(invalid="ignore"):
        values = np.array([_correlation(x[each], y[each]) for each in drawn])
    values = values[np.isfinite(values)]
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    method = f"Spearman, bootstrap of {n} wordings, {resamples} resamples"
    return Estimate(value, min(float(lower), value), max(float(upper), value), level, n, method)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(scipy.stats.rankdata(x), scipy.stats.rankdata(y))[0, 1])
