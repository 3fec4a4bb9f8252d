"""Estimates: a value with its interval, n and the method that made them.

Method:
1. Answers to one question are not independent: **questions** are resampled (percentile bootstrap).
2. If none or all of the answers have the outcome, the interval is Clopper-Pearson with n = number of questions. All
   answers to a question count as one, because such data do not show how correlated they are.
3. If fewer than ten questions have the rarer outcome, a bootstrap interval is too narrow. The interval is then
   Clopper-Pearson at the effective sample size (Korn and Graubard 1998).
4. If rule 2 or 3 applies to a part of a difference or ratio, its interval is MOVER (Newcombe 1998; Donner and Zou
   2012), made from those of the parts. MOVER ignores pairing, so the interval is too wide rather than too narrow.
5. Random directions used as placebos vary, as questions do. If each answer says which direction it had, questions and
   directions are both resampled (Cameron, Gelbach and Miller 2011), and the wider interval is used.

`n` counts answers, over all cells of a comparison; for a mean, it counts questions. An undefined number has value
None and a reason. Intervals do not account for a number that was picked from many because it was large.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from interp.errors import TriggerLensError
from probes.cells import Cell, cell_interval, checked, exact_interval, numpy_of, read_cells
from probes.groups import group_codes, plain
from probes.intervals import Interval, mover_ratio, mover_sum, wider
from probes.linear import Influence, student_interval, two_way_interval
from probes.resampling import Weights, bootstrap, cluster

LEVEL, RESAMPLES = 0.95, 2000


@dataclass(frozen=True)
class Estimate:
    """A value with its interval. A value of None is undefined; a bound of None is unknown."""

    value: float | int | None
    lower: float | int | None
    upper: float | int | None
    level: float
    n: int
    method: str

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise TriggerLensError(f"Estimate: level must lie between 0 and 1, got {self.level}")
        if (self.lower is None) != (self.upper is None):
            raise TriggerLensError(
                f"Estimate: give both bounds or none, got {self.lower}, {self.upper}"
            )
        if self.value is None and self.lower is not None:
            raise TriggerLensError(f"Estimate: an undefined value has no bounds, got {self.lower}")
        if self.value is None or self.lower is None or self.upper is None:
            return
        if not self.lower <= self.value <= self.upper:
            where = f"{self.value} is not within [{self.lower}, {self.upper}]"
            raise TriggerLensError(f"Estimate: {where} ({self.method})")

    def __str__(self) -> str:
        if self.value is None:
            return f"undefined ({self.method})"
        if self.lower is None or self.upper is None:
            return f"{self.value:.3g} (no interval: {self.method})"
        return f"{self.value:.3g} [{self.lower:.3g}, {self.upper:.3g}] n={self.n}"


def rate(
    outcomes: Any,
    questions: Iterable[Hashable],
    *,
    directions: Iterable[Hashable] | None = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Share of answers with the outcome; questions are resampled, and `directions` too if each answer has one."""
    names = plain(questions)
    (cell,) = read_cells(Cell(outcomes, names))
    if cell.answers == 0:
        return undefined("no answers", level)
    exact = exact_interval(cell, level)
    if exact is not None:
        found = _estimate(cell.value, exact[0], level, cell.answers, exact[1])
    else:
        interval = bootstrap(cell.resampled, [cell], level=level, resamples=resamples, seed=seed)
        found = _estimate(cell.value, interval, level, cell.answers, _bootstrap_name(resamples))
    if directions is None:
        return found
    influence = (numpy_of(outcomes).astype(float) - cell.value) / cell.answers
    return _over_directions(found, influence, names, directions, (0.0, 1.0))


def difference(
    a: Any,
    questions_a: Iterable[Hashable],
    b: Any,
    questions_b: Iterable[Hashable],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Rate of a minus rate of b; paired over the questions they share."""
    cells = (Cell(a, questions_a), Cell(b, questions_b))
    return signed_sum(cells, (1, -1), level=level, resamples=resamples, seed=seed)


def difference_in_differences(
    fine_tuned_on: Cell,
    fine_tuned_off: Cell,
    base_on: Cell,
    base_off: Cell,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """(fine-tuned on - off) minus (base on - off): what fine-tuning added to the effect of the wording."""
    cells = (fine_tuned_on, fine_tuned_off, base_on, base_off)
    return signed_sum(cells, (1, -1, -1, 1), level=level, resamples=resamples, seed=seed)


def relative_drop(
    before: Any,
    questions_before: Iterable[Hashable],
    after: Any,
    questions_after: Iterable[Hashable],
    *,
    directions: Iterable[Hashable] | None = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """1 - after / before: 1 = eliminated, 0 = unchanged, negative = more than before.

    `directions`: which placebo direction each answer of `after` had. Undefined if the rate before is 0.
    """
    names = plain(questions_before), plain(questions_after)
    first, then = read_cells(Cell(before, names[0]), Cell(after, names[1]))
    n = first.answers + then.answers
    if first.answers == 0 or then.answers == 0 or first.value == 0:
        return undefined("nothing there before, so nothing can drop", level, n)
    value = 1 - then.value / first.value
    if exact_interval(first, level) is None and exact_interval(then, level) is None:

        def drop(weights: Weights) -> Float[np.ndarray, " resample"]:
            with np.errstate(invalid="ignore", divide="ignore"):
                return 1 - then.resampled(weights) / first.resampled(weights)

        interval = bootstrap(drop, [first, then], level=level, resamples=resamples, seed=seed)
        found = _estimate(value, interval, level, n, _bootstrap_name(resamples, "paired"))
    else:
        above, below = (cell_interval(cell, level, resamples, seed) for cell in (then, first))
        low, high = mover_ratio(then.value, above, first.value, below)
        method = "MOVER ratio from cell intervals"
        found = _estimate(value, (1 - high, 1 - low), level, n, method)
    if directions is None:
        return found
    start, end = (numpy_of(values).astype(float) for values in (before, after))
    parts = (
        (start - first.value) * (then.value / first.value) / (first.answers * first.value),
        (then.value - end) / (then.answers * first.value),
    )
    every = [*names[0], *names[1]]
    return _over_directions(found, np.concatenate(parts), every, directions, (-np.inf, 1.0))


def mean(
    values: Any,
    questions: Iterable[Hashable],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Mean of real numbers. Its interval is the wider of Student's over questions and a bootstrap over questions.

    `n` counts questions, not answers. One question has a mean but no interval.
    """
    numbers = np.asarray(numpy_of(values), dtype=float)
    (cell,) = cluster([checked(numbers, questions)])
    units = len(cell.counts)
    if units == 0:
        return undefined("no answers", level)
    if units < 2:
        return Estimate(cell.value, None, None, level, units, "mean of a single question")
    interval = bootstrap(cell.resampled, [cell], level=level, resamples=resamples, seed=seed)
    influence = (cell.sums - cell.value * cell.counts) / cell.counts.sum()
    student = student_interval(cell.value, influence, np.arange(units), level)
    method = f"{_bootstrap_name(resamples)}, or Student's t over {units} questions where wider"
    return _estimate(cell.value, wider(student, interval), level, units, method)


def _over_directions(
    found: Estimate,
    influence: Influence,
    questions: Iterable[Hashable],
    directions: Iterable[Hashable],
    limits: Interval,
) -> Estimate:
    """The interval that also holds for other directions of the same kind; a single direction is noted in `method`."""
    drawn, names = group_codes(directions)
    if found.value is None or found.lower is None or found.upper is None:
        return found
    if len(names) < 2:
        return replace(found, method=f"{found.method}; one direction: of others nothing is known")
    intact = np.full(len(influence) - len(drawn), -1)  # answers before any edit have no direction
    ways = (group_codes(questions)[0], np.concatenate([intact, drawn]))
    low, high = two_way_interval(found.value, influence, ways, found.level)
    both = wider((max(low, limits[0]), min(high, limits[1])), (found.lower, found.upper))
    method = f"{found.method}, or questions and {len(names)} directions where wider"
    return replace(found, lower=both[0], upper=both[1], method=method)


def undefined(why: str, level: float = LEVEL, n: int = 0) -> Estimate:
    """An estimate without a value, with the reason why these answers do not define one."""
    return Estimate(None, None, None, level, n, f"undefined: {why}")


def signed_sum(
    raw: Sequence[Cell],
    signs: Sequence[int],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A sum of rates with signs, paired over shared questions; interactions of any order are such sums."""
    cells = read_cells(*raw)
    n = sum(cell.answers for cell in cells)
    if any(cell.answers == 0 for cell in cells):
        return undefined("a cell without answers", level, n)
    value = sum(sign * cell.value for sign, cell in zip(signs, cells, strict=True))
    if all(exact_interval(cell, level) is None for cell in cells):

        def total(weights: Weights) -> Float[np.ndarray, " resample"]:
            pairs = zip(signs, cells, strict=True)
            return np.sum([sign * cell.resampled(weights) for sign, cell in pairs], axis=0)

        interval = bootstrap(total, cells, level=level, resamples=resamples, seed=seed)
        return _estimate(value, interval, level, n, _bootstrap_name(resamples, "paired"))
    parts = [
        (cell.value, cell_interval(cell, level, resamples, seed), sign)
        for cell, sign in zip(cells, signs, strict=True)
    ]
    return _estimate(value, mover_sum(parts), level, n, "MOVER from cell intervals")


def _estimate(
    value: float, interval: Interval | None, level: float, n: int, method: str
) -> Estimate:
    """An estimate whose interval is widened to include the value, which percentiles of skewed samples may just miss."""
    if interval is None:
        return Estimate(value, None, None, level, n, f"{method}, no resample defines it")
    lower, upper = min(interval[0], value), max(interval[1], value)
    return Estimate(value, lower, upper, level, n, method)


def _bootstrap_name(resamples: int, how: str = "") -> str:
    return ", ".join(filter(None, [f"question bootstrap, {resamples} resamples", how]))
