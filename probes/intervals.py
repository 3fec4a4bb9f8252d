"""Intervals in closed form, for counts where resampling fails.

* Clopper and Pearson (1934): exact if none or all of the answers count.
* Korn and Graubard (1998): the same, at the effective sample size of clustered answers.
* MOVER (Newcombe 1998; Donner and Zou 2012): a difference, or a ratio, from its parts' intervals.

They ignore pairing: the interval of a difference of positively related cells is too wide.
"""

import math

import numpy as np
import scipy  # its parts are imported when they are first used

Interval = tuple[float, float]


def clopper_pearson(events: float | int, trials: float | int, level: float) -> Interval:
    """Exact interval of a proportion; `events` and `trials` may be fractional (effective sizes)."""
    tail = (1 - level) / 2
    lower = 0.0 if events <= 0 else scipy.stats.beta.ppf(tail, events, trials - events + 1)
    upper = 1.0 if events >= trials else scipy.stats.beta.ppf(1 - tail, events + 1, trials - events)
    return float(lower), float(upper)


def effective_sample_size(sums: np.ndarray, counts: np.ndarray, level: float) -> float:
    """How many independent answers carry as much information as these clusters; at most the number of answers.

    Variance of the ratio estimator over questions; Korn and Graubard's penalty for few of them (counted by the
    questions that have the rarer outcome), at the quantiles of the level that the interval is for.
    """
    questions, answers = len(counts), float(counts.sum())
    value = sums.sum() / answers
    if questions < 2:
        return 1.0
    residuals = sums - value * counts
    variance = questions / (questions - 1) * float(residuals @ residuals) / answers**2
    size = answers if variance == 0 else min(answers, value * (1 - value) / variance)
    rarer = min(int((sums > 0).sum()), int((sums < counts).sum()))
    many, few, fewest = (
        student(level, max(1.0, units - 1)) for units in (answers, questions, rarer)
    )
    known = size * min(1.0, many / few) ** 2
    # questions with the rarer outcome carry the variance; even fully correlated answers count once per question
    return max(1.0, min(known, questions), size * min(1.0, many / fewest) ** 2)


def student(level: float, freedom: float) -> float:
    """How many standard errors a two-sided Student interval reaches to either side."""
    return float(scipy.stats.t.ppf((1 + level) / 2, freedom))


def mover_sum(parts: list[tuple[float, Interval, int]]) -> Interval:
    """Interval of a signed sum of independent parts; each part is (value, interval, +1 or -1)."""
    total = sum(sign * value for value, _, sign in parts)
    down = up = 0.0
    for value, (lower, upper), sign in parts:
        towards_less, towards_more = value - lower, upper - value
        if sign < 0:
            towards_less, towards_more = towards_more, towards_less
        down += towards_less**2
        up += towards_more**2
    return total - math.sqrt(down), total + math.sqrt(up)


def mover_ratio(top: float, top_in: Interval, bottom: float, bottom_in: Interval) -> Interval:
    """Interval of top / bottom, both >= 0, independent; needs `bottom_in[0] > 0`."""
    product = top * bottom

    def root(edge: float, other: float) -> float:
        inner = product**2 - edge * other * (2 * top - edge) * (2 * bottom - other)
        return math.sqrt(max(0.0, inner))

    (top_low, top_high), (low, high) = top_in, bottom_in
    # lower limit in its rationalised form: the textbook one divides by zero at high = 2 bottom
    lower = 0.0 if top == 0 else top_low * (2 * top - top_low) / (product + root(top_low, high))
    upper = (product + root(top_high, low)) / (low * (2 * bottom - low))
    return max(0.0, lower), upper


def wider(first: Interval, second: Interval | None) -> Interval:
    """The interval that holds both."""
    if second is None:
        return first
    return min(first[0], second[0]), max(first[1], second[1])
