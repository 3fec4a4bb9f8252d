"""Numbers as text, for the terminal and the dashboard."""

from collections.abc import Sequence

from experiments.results.estimates import EstimateRow


def percent(row: EstimateRow | None, sign: str = " %") -> str:
    """ "86 % [80, 91]", or "n/a" if there is no number."""
    if row is None or row.value is None:
        return "n/a"
    if row.lower is None or row.upper is None:
        return f"{_whole(row.value)}{sign}"
    return f"{_whole(row.value)}{sign} [{_whole(row.lower)}, {_whole(row.upper)}]"


def _whole(share: float) -> int:
    return round(100 * share)  # an integer: no "-0"


def spread(rows: Sequence[EstimateRow]) -> str:
    """One row with its interval, or several rows as the range of their values: "79 to 87 %"."""
    values = [row.value for row in rows if row.value is not None]
    if len(values) < 2:
        return percent(next((row for row in rows if row.value is not None), None))
    low, high = round(100 * min(values)), round(100 * max(values))
    return f"{low} %" if low == high else f"{low} to {high} %"


def counts(rows: Sequence[EstimateRow]) -> str:
    """ "n = 240", or the range over the rows."""
    low, high = min(row.n for row in rows), max(row.n for row in rows)
    return f"n = {low:,}" if low == high else f"n = {low:,} to {high:,}"


def decimal(
    value: float | None, lower: float | None = None, upper: float | None = None, digits: int = 2
) -> str:
    """ "0.72 [0.60, 0.81]", the value alone without an interval, or "n/a" without a number."""
    if value is None:
        return "n/a"
    ends = "" if lower is None or upper is None else f" [{lower:.{digits}f}, {upper:.{digits}f}]"
    return f"{value:.{digits}f}{ends}"
