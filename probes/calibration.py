"""Turn read-outs into probabilities, and measure how well those are calibrated.

Method:
1. `probabilities`: for each fold a logistic curve of one variable (Platt 1999), fitted on the inner held-out
   read-outs of the other folds, so that no row is used to calibrate itself.
2. `calibration_error`: rows sorted by probability into ten bins of equal size; the mean over rows of |mean
   probability - share of the label| of the row's bin (expected calibration error). Resamples keep the bins.

With few rows per bin, chance alone makes this error larger than 0.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from probes.estimate import LEVEL, RESAMPLES, Estimate, undefined
from probes.groups import group_codes
from probes.resampling import Clusters, Weights, bootstrap
from probes.splits import Folds

BINS = 10
NEWTON, LONGEST, TINY = (
    30,
    2.0,
    1e-9,
)  # steps of Newton's method, the longest one, and what keeps it solvable


def probabilities(
    scores: Float[np.ndarray, " row"],
    inner: Float[np.ndarray, "fold row"],
    y: Any,
    folds: Folds,
) -> Float[np.ndarray, " row"]:
    """The probability of the second class for each row; NaN where a fold could not be calibrated."""
    found = np.full(len(scores), np.nan)
    for fold in range(folds.count):
        known = np.isfinite(inner[fold]) & (folds.of_row != fold)
        mine = (folds.of_row == fold) & np.isfinite(scores)
        if len(np.unique(y[known])) < 2 or not mine.any():
            continue
        centre, spread = inner[fold][known].mean(), inner[fold][known].std() or 1.0
        slope, shift = platt((inner[fold][known] - centre) / spread, y[known])
        found[mine] = expit(slope * (scores[mine] - centre) / spread + shift)
    return found


def platt(scores: Float[np.ndarray, " row"], y: Any) -> tuple[float, float]:
    """Slope and shift of the logistic curve that fits best, with Platt's targets just inside 0 and 1."""
    positive, negative = int(y.sum()), int((~y).sum())
    target = np.where(y, (positive + 1) / (positive + 2), 1 / (negative + 2))
    columns = np.stack([scores, np.ones(len(scores))], axis=1).astype(float)
    found = np.zeros(2)
    for _ in range(NEWTON):
        p = expit(columns @ found)
        hessian = (columns * (p * (1 - p))[:, None]).T @ columns + TINY * np.eye(2)
        step = np.linalg.solve(hessian, columns.T @ (target - p))
        found += step / max(1.0, float(np.abs(step).max()) / LONGEST)
    return float(found[0]), float(found[1])


def calibration_error(
    p: Float[np.ndarray, " row"],
    y: Any,
    questions: Iterable[Hashable],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Expected calibration error of probabilities, questions resampled; 0 is best."""
    codes, names = group_codes(questions)
    if len(p) == 0:
        return undefined("no row has a probability", level)
    order = np.argsort(np.argsort(p, kind="stable"), kind="stable")
    bins = order * BINS // len(p)
    gaps, counts = np.zeros((2, len(names), BINS))
    np.add.at(gaps, (codes, bins), p - np.asarray(y, float))
    np.add.at(counts, (codes, bins), 1.0)

    def error(weights: Weights) -> Float[np.ndarray, " resample"]:
        return np.abs(weights @ gaps).sum(axis=1) / (weights @ counts).sum(axis=1)

    one = np.ones(len(names))
    value = float(error(one[None])[0])
    found = bootstrap(error, [Clusters(one, one)], level=level, resamples=resamples, seed=seed)
    lower, upper = found or (0.0, 1.0)
    method = f"{BINS} bins of equal size, question bootstrap, {resamples} resamples"
    return Estimate(value, min(lower, value), max(upper, value), level, len(p), method)
