"""A grid of numbers as colours, with the meaning of each on hover."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.theme import colour_bar, drawn
from experiments.results.estimates import EstimateRow

# Cividis (Nuñez, Anderton and Renslow 2018) for shares; blue to orange over white for signed numbers
SHARES = "Cividis"
SIGNED = [[0.0, "#0b559f"], [0.5, "#f4f4f4"], [1.0, "#b3480a"]]


@dataclass(frozen=True)
class Cell:
    """A number, its text on hover, and its line in `estimates.jsonl`, if any."""

    value: float | None
    hover: str
    line: int | None = None


EMPTY = Cell(None, "")
Grid = Sequence[Sequence[Cell]]  # rows from top to bottom, each from left to right


def heat_trace(x: Sequence[Any], y: Sequence[str], cells: Grid, **style: Any) -> dict[str, Any]:
    """The grid as a trace; `y` names its rows. Hover texts must be markup already."""
    return {
        "type": "heatmap",
        "x": list(x),
        "y": [markup(name, 80) for name in y],
        "z": [[cell.value for cell in row] for row in cells],
        "text": [[cell.hover for cell in row] for row in cells],
        "customdata": [[cell.line for cell in row] for row in cells],
        "hovertemplate": "%{text}<extra></extra>",
        "texttemplate": "",
        "xgap": 1,
        "ygap": 1,
        **style,
    }


def heatmap(
    x: Sequence[Any],
    y: Sequence[str],
    cells: Grid,
    *,
    bar: str,
    limits: tuple[float, float],
    x_axis: dict[str, Any],
    finding: str,
    shown: Sequence[EstimateRow] | str,
    height: int,
    y_title: str | None = None,
) -> go.Figure:
    """A figure of one grid; a scale from below zero is signed."""
    trace = heat_trace(
        x,
        y,
        cells,
        colorscale=SIGNED if limits[0] < 0 else SHARES,
        zmin=limits[0],
        zmax=limits[1],
        colorbar=colour_bar(bar),
    )
    # a row called "7" is a name, not a number
    names = {"type": "category", "showgrid": False, "autorange": "reversed", "ticks": ""}
    if y_title:
        names["title"] = {"text": y_title}
    return drawn([trace], {"showgrid": False} | x_axis, names, finding, shown, height=height)


def names_axis(title: str) -> dict[str, Any]:
    """A horizontal axis of names that are read from bottom to top."""
    return {"type": "category", "tickangle": -90, "dtick": 1, "title": {"text": title}}
