"""Estimates as marks: a dot, its interval, and on hover the row behind it.

Nothing else on the page turns a number into a mark, so an interval is never left out, and each
mark carries the line of `estimates.jsonl` it shows.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.results.estimates import EstimateRow
from experiments.results.load import line_of

HOVER_KEYS = (
    "model",
    "questions",
    "condition",
    "intervention",
    "direction",
    "source",
    "position",
    "layer",
)


def marks(
    rows: Sequence[EstimateRow],
    places: Sequence[float],
    *,
    along: str,
    scale: float = 100.0,
    **style: Any,
) -> go.Scatter:
    """A scatter of the rows' values along axis `along` ("x" or "y"), at `places` on the other."""
    other = "y" if along == "x" else "x"
    drawn = [(row, place) for row, place in zip(rows, places, strict=True) if row.value is not None]
    values = [scale * _number(row.value) for row, _ in drawn]
    below = [
        value - scale * _number(row.lower, row.value)
        for (row, _), value in zip(drawn, values, strict=True)
    ]
    above = [
        scale * _number(row.upper, row.value) - value
        for (row, _), value in zip(drawn, values, strict=True)
    ]
    interval = {"type": "data", "symmetric": False, "arrayminus": below, "array": above}
    return go.Scatter(
        **{along: values, other: [place for _, place in drawn]},
        **{f"error_{along}": interval | {"thickness": 1.5, "width": 3}},
        text=[hover(row) for row, _ in drawn],
        customdata=[line_of(row) for row, _ in drawn],
        hovertemplate="%{text}<extra></extra>",
        **style,
    )


def _number(value: float | None, otherwise: float | None = 0.0) -> float:
    return float(value if value is not None else otherwise or 0.0)


def hover(row: EstimateRow) -> str:
    """The whole row in a few lines: the number first, then what it is of."""
    value = "undefined" if row.value is None else f"{row.value:.3f}"
    interval = (
        "no interval"
        if row.lower is None or row.upper is None
        else f"[{row.lower:.3f}, {row.upper:.3f}]"
    )
    level = "" if row.level is None else f" at {100 * row.level:.0f} %"
    lines = [f"{row.quantity} {value} {interval}{level}", f"n = {row.n}; {row.method}"]
    lines += [f"{key}: {getattr(row, key)}" for key in HOVER_KEYS if getattr(row, key) is not None]
    if line_of(row) is not None:
        lines.append(f"estimates.jsonl line {line_of(row)}")
    return "<br>".join(markup(line, 200) for line in lines)
