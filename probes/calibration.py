"""From read-outs to probabilities, and how far those are from what happens.

Method:
1. `probabilities`: for each fold a logistic curve of one variable (Platt 1999), fitted on the inner held-out
   read-outs of the other folds; no row helps to calibrate itself.
2. `calibration_error`: rows sorted by probability into ten bins of equal size; the mean over rows of |mean
   probability - share of the label| of the row's bin (expected calibration error). Resamples keep the bins.

What it does not know: with few rows a bin, chance alone makes this error larger than 0.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression

from probes.estimate import LEVEL, RESAMPLES, Estimate, undefined
from probes.resampling import Clusters, Weights, bootstrap, group_codes
from probes.splits import Folds

BINS = 10
WEAK = 1e6  # an inverse penalty that regularises nothing


def probabilities(
    scores: Float[np.ndarray, " row"],
    inner: Float[np.ndarray, "fold row"],
    y: Any,
    folds: Folds,
) -> Float[np.ndarray, " row"]:
    """The probability of the second class for each row; not a number where a fold could not be calibrated."""
    found = np.full(len(scores), np.nan)
    for fold in range(folds.count):
        known = np.isfinite(inner[fold]) & (folds.of_row != fold)
        mine = (folds.of_row == fold) & np.isfinite(scores)
        if len(np.unique(y[known])) < 2 or not mine.any():
            continue
        centre, spread = inner[fold][known].mean(), inner[fold][known].std() or 1.0
        curve = LogisticRegression(C=WEAK).fit(
            (inner[fold][known, None] - centre) / spread, y[known]
        )
        found[mine] = curve.predict_proba((scores[mine, None] - centre) / spread)[:, 1]
    return found


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
