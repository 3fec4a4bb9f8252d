"""Estimates with their intervals, one line of the figure for each item that is compared."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.marks import Series, traces
from experiments.dashboard.theme import drawn
from experiments.results.estimates import EstimateRow

STEP, ROOM = 0.25, 0.78  # distance between series, and room for all, in line heights


def interval_plot(
    series: Sequence[Series],
    label: Callable[[EstimateRow], str],
    axis: dict[str, Any],
    *,
    finding: str,
    shown: Sequence[EstimateRow] | str,
    labels: Sequence[str] | None = None,
    scale: float = 100.0,
) -> go.Figure:
    """Values on the horizontal axis; each row is in the line that `label` names.

    Lines are in the order of `labels`, by default that of the rows.
    """
    rows = [row for of in series for row in of.rows if row.value is not None]
    lines = list(dict.fromkeys(labels if labels is not None else map(label, rows)))
    lowest = max((of.level for of in series), default=0)
    step = min(STEP, ROOM / (lowest + 1))
    made: list[dict[str, Any]] = []
    for of in series:

        def place(row: EstimateRow, below: float = step * of.level) -> float:
            return lines.index(label(row)) + below

        made += traces(of, place, along="x", scale=scale)
    y_axis = {
        "tickvals": [line + step * lowest / 2 for line in range(len(lines))],
        "ticktext": [markup(name, 60) for name in lines],
        "range": [len(lines) - 0.6 + step * lowest, -0.4],
        "showgrid": False,
    }
    height = 150 + (20 + 8 * (lowest + 1)) * len(lines)
    return drawn(made, axis, y_axis, finding, shown, height=height)
