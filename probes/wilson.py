"""The share of answers with an interval that takes answers as independent.

Wilson (1927) score interval. Answers to one question are correlated, so it is too narrow if there
are several per question; it is reported beside `probes.estimate.rate` to show by how much.
"""

from typing import Any

from scipy import stats

from probes.cells import numpy_of
from probes.estimate import LEVEL, Estimate, undefined


def wilson_rate(outcomes: Any, *, level: float = LEVEL) -> Estimate:
    """Share of answers with the outcome, answers taken as independent."""
    values = numpy_of(outcomes).astype(bool)
    if values.size == 0:
        return undefined("no answers", level)
    found = stats.binomtest(int(values.sum()), values.size)
    interval = found.proportion_ci(level, method="wilson")
    value = float(values.mean())
    lower, upper = min(float(interval.low), value), max(float(interval.high), value)
    return Estimate(value, lower, upper, level, values.size, "Wilson, answers as if independent")
