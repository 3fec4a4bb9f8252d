"""Claims about numbers with intervals: yes, no, or undecided.

A claim is yes when the whole interval is on its side of the threshold, no when the whole interval is
on the other side, and undecided when the interval straddles it or the number was not measured. Each
answer lists the rows it rests on and what is missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from experiments.results.estimates import EstimateRow
from probes.intervals import mover_ratio, mover_sum

Answer = Literal["yes", "no", "undecided"]


@dataclass(frozen=True)
class Claim:
    """An answer, its evidence, and what was not measured."""

    answer: Answer
    rows: tuple[EstimateRow, ...] = ()
    missing: tuple[str, ...] = ()

    def unless_no(self) -> "Claim":
        """For a condition that can prevent a yes but cannot cause a no."""
        return replace(self, answer="undecided" if self.answer == "no" else self.answer)


def unmeasured(what: str) -> Claim:
    """The answer if the number was not measured: undecided, with the reason."""
    return Claim("undecided", (), (what,))


def within(
    interval: tuple[float, float] | None, rows: Iterable[EstimateRow], *, above: float
) -> Claim:
    """Whether an interval lies above a threshold (an interval that touches it does not)."""
    rows = tuple(rows)
    if interval is None:
        return Claim("undecided", rows)
    lower, upper = interval
    return Claim("yes" if lower > above else "no" if upper <= above else "undecided", rows)


def above(row: EstimateRow | None, threshold: float, what: str = "a number") -> Claim:
    """Whether the whole interval is above the threshold; `what` names the number if there is no row."""
    return unmeasured(what) if row is None else within(bounds(row), [row], above=threshold)


def at_most(row: EstimateRow | None, threshold: float, what: str = "a number") -> Claim:
    """Whether the whole interval is at most the threshold."""
    return negate(above(row, threshold, what))


def negate(claim: Claim) -> Claim:
    """The opposite claim; undecided stays undecided."""
    opposite: dict[Answer, Answer] = {"yes": "no", "no": "yes", "undecided": "undecided"}
    return replace(claim, answer=opposite[claim.answer])


def all_of(*claims: Claim) -> Claim:
    """No if any is no; yes if all are yes."""
    answers = {claim.answer for claim in claims}
    answer: Answer = "no" if "no" in answers else "yes" if answers == {"yes"} else "undecided"
    rows = tuple(row for claim in claims for row in claim.rows)
    return Claim(answer, rows, tuple(what for claim in claims for what in claim.missing))


def any_of(*claims: Claim) -> Claim:
    """Yes if any is yes; no if all are no (and there is at least one)."""
    return negate(all_of(*map(negate, claims))) if claims else Claim("undecided")


def bounds(row: EstimateRow | None) -> tuple[float, float] | None:
    """The interval of a row; None if it is undefined or unknown."""
    if row is None or row.value is None or row.lower is None or row.upper is None:
        return None
    return row.lower, row.upper


def ratio(top: EstimateRow, bottom: EstimateRow) -> tuple[float, float] | None:
    """Interval of one rate over another (MOVER); None if the denominator may be zero."""
    above_line, below_line = bounds(top), bounds(bottom)
    if above_line is None or below_line is None or below_line[0] <= 0:
        return None
    return mover_ratio(_value(top), above_line, _value(bottom), below_line)


def loss(before: EstimateRow, after: EstimateRow) -> tuple[float, float] | None:
    """Interval of one rate minus another (MOVER)."""
    first, then = bounds(before), bounds(after)
    if first is None or then is None:
        return None
    return mover_sum([(_value(before), first, 1), (_value(after), then, -1)])


def _value(row: EstimateRow) -> float:
    return float(row.value if row.value is not None else "nan")
