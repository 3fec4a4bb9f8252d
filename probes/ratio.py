"""Ratios of sums, such as explained variance or recovered loss. Questions are resampled, and `n` counts them."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.arrays import as_array
from probes.cells import checked
from probes.estimate import LEVEL, RESAMPLES, Estimate, undefined
from probes.intervals import wider
from probes.linear import student_interval
from probes.resampling import Weights, bootstrap, cluster


def ratio(
    above: Any,
    below: Any,
    questions: Iterable[Hashable],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """sum(above) / sum(below) over rows; the same questions are resampled in both."""
    names = list(questions)
    values = [np.asarray(as_array(each), float) for each in (above, below)]
    top, bottom = cluster([checked(each, names) for each in values])
    n, total = len(values[0]), float(bottom.sums.sum())
    if n == 0 or total == 0:
        return undefined("nothing to divide by", level, n)

    def quotient(weights: Weights) -> Float[np.ndarray, " resample"]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ top.sums) / (weights @ bottom.sums)

    value, units = float(top.sums.sum()) / total, len(top.sums)
    if units < 2:
        return Estimate(value, None, None, level, units, "ratio of sums of a single question")
    found = bootstrap(quotient, [top], level=level, resamples=resamples, seed=seed)
    influence = (top.sums - value * bottom.sums) / total
    student = student_interval(value, influence, np.arange(units), level)
    lower, upper = wider(student, found)
    method = f"ratio of sums, question bootstrap, {resamples} resamples, or Student's t over questions where wider"
    return Estimate(value, min(lower, value), max(upper, value), level, units, method)


def one_minus(estimate: Estimate) -> Estimate:
    """1 minus an estimate, with its interval."""
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return estimate
    bounds = (1 - estimate.value, 1 - estimate.upper, 1 - estimate.lower)
    return Estimate(*bounds, estimate.level, estimate.n, f"1 - {estimate.method}")
