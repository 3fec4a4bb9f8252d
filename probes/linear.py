"""Intervals from influences: how far each question, wording or direction moves a number.

The influence of an answer is its part in the linearised number (for an average: its distance from the average, divided
by the number of answers). Summed by cluster, influences give the variance that clusters of this kind cause.

* Few clusters: Student's t; strata of different sizes: degrees of freedom by Satterthwaite (1946).
* Answers clustered in two ways at once (by question and by direction): Cameron, Gelbach and Miller (2011), and never
  less than either way alone.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from probes.intervals import Interval, student

Influence = Float[np.ndarray, " answer"]
Codes = Int[np.ndarray, " answer"]


def clustered_variance(influence: Influence, codes: Codes) -> tuple[float, int]:
    """Variance over the clusters with these codes, and their number; infinite for a single cluster."""
    sums = np.bincount(codes, weights=influence)[np.unique(codes)]
    units = len(sums)
    if units < 2:
        return math.inf, units
    spread = sums - sums.mean()
    return units / (units - 1) * float(spread @ spread), units


def two_way_interval(
    value: float, influence: Influence, ways: Sequence[Codes], level: float
) -> Interval:
    """The interval of a number whose answers are clustered in two ways; the whole line for a single cluster.

    A code below 0 in the second way marks an answer that belongs to no cluster there.
    """
    here, width = ways[1] >= 0, int(ways[1].max()) + 1
    first, n = clustered_variance(influence, ways[0])
    second, m = clustered_variance(influence[here], ways[1][here])
    both, _ = clustered_variance(influence[here], (ways[0] * width + ways[1])[here])
    if math.inf in (first, second):
        return -math.inf, math.inf
    variance = max(first, second, first + second - both)
    reach = student(level, min(n, m) - 1) * math.sqrt(variance)
    return value - reach, value + reach


def stratified_variance(
    influence: Float[np.ndarray, " unit"], strata: Int[np.ndarray, " unit"]
) -> tuple[float, float]:
    """Variance over units drawn within strata, and Satterthwaite's degrees of freedom; infinite for a lone unit."""
    parts = [influence[strata == stratum] for stratum in np.unique(strata)]
    if min(map(len, parts)) < 2:
        return math.inf, 0.0
    variances = [len(part) * float(part.var(ddof=1)) for part in parts]
    total = sum(variances)
    if total == 0:
        return 0.0, float(min(map(len, parts)) - 1)
    pairs = zip(variances, parts, strict=True)
    return total, total**2 / sum(v**2 / (len(part) - 1) for v, part in pairs if v > 0)


def student_interval(value: float, influence: Influence, codes: Codes, level: float) -> Interval:
    """Student's interval over the clusters with these codes; the whole line for a single cluster."""
    variance, units = clustered_variance(influence, codes)
    if not math.isfinite(variance):
        return -math.inf, math.inf
    reach = student(level, units - 1) * math.sqrt(variance)
    return value - reach, value + reach
