"""Estimates with their intervals against a number: a layer, a dose, a distance."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.marks import Series, traces
from experiments.dashboard.theme import CONDITION_COLOURS, drawn
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent


def scatter(
    series: Sequence[Series],
    x: Callable[[EstimateRow], float],
    x_axis: str | dict[str, Any],
    y_axis: dict[str, Any],
    *,
    finding: str,
    shown: Sequence[EstimateRow] | str,
    scale: float = 100.0,
    height: int = 420,
) -> go.Figure:
    """Values on the vertical axis; each row is at `x(row)`, and a series with a dash is joined by a line."""
    made = [trace for of in series for trace in traces(of, x, along="y", scale=scale)]
    across = {"title": {"text": x_axis}} if isinstance(x_axis, str) else x_axis
    return drawn(made, across, y_axis, finding, shown, height=height)


def with_trigger_line(figure: go.Figure, row: EstimateRow | None, where: str) -> go.Figure:
    """The figure with a line at the rate with the trigger, for comparison; `where` is the position of its text."""
    if row is None or row.value is None:
        return figure
    return figure.add_hline(
        y=100 * row.value,
        line={"color": CONDITION_COLOURS["trigger"], "dash": "dot", "width": 1.5},
        annotation={"text": f"with the trigger, nothing added: {percent(row)}"},
        annotation_position=where,
    )
