"""The largest or the smallest of several rows, with an interval that holds for all of them at once.

Bonferroni, by `probes.simultaneous.widened`: the best row was also lucky, and its own interval does not take this into
account. `among` is the number of rows that it was picked from, without those dropped before.
"""

import math
from collections.abc import Iterable, Sequence

from experiments.results.estimates import EstimateRow
from probes.simultaneous import widened

SHARES = ("rate", "auroc", "caught", "passing")  # endings of quantities between 0 and 1
AT_MOST_ONE = ("drop", "takes")
NOT_NEGATIVE = ("brings",)


def highest(rows: Iterable[EstimateRow]) -> EstimateRow:
    """The row with the greatest value; of equal ones, the first."""
    listed = list(rows)
    return picked(max(listed, key=lambda row: row.value or 0.0), len(listed))


def lowest(rows: Iterable[EstimateRow]) -> EstimateRow:
    """The row with the smallest value; of equal ones, the first."""
    listed = list(rows)
    return picked(min(listed, key=lambda row: row.value or 0.0), len(listed))


def at_once(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """The rows with simultaneous intervals, for a claim that any one of them can support."""
    return [picked(row, len(rows)) for row in rows]


def picked(row: EstimateRow, among: int) -> EstimateRow:
    """A row with an interval that allows for its having been picked from `among` rows."""
    wide = widened(row.estimate, among, limits=limits_of(row.quantity))
    numbers = {"lower": wide.lower, "upper": wide.upper, "method": wide.method}
    return row.model_copy(update=numbers)


def limits_of(quantity: str) -> tuple[float, float]:
    """The lowest and highest possible value of a quantity."""
    if quantity.endswith(SHARES):
        return 0.0, 1.0
    if quantity.endswith("correlation"):
        return -1.0, 1.0
    if quantity.endswith(AT_MOST_ONE):
        return -math.inf, 1.0
    return (0.0 if quantity.endswith(NOT_NEGATIVE) else -math.inf), math.inf
