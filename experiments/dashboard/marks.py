"""Estimates as marks: a dot, its interval, and on hover the row behind it.

All marks on the page are made here, so that an interval is never left out, and each mark has
the line number of its row in `estimates.jsonl`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.dashboard.inert import markup
from experiments.results.estimates import EstimateRow
from experiments.results.load import line_of

KEY = "#8c8c8c"  # colour in the legend for a series of several colours
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


@dataclass(frozen=True)
class Series:
    """Estimates that are drawn in the same style; rows without a value are left out.

    `name` is its entry in the legend, if any. `level` is how many steps below its line an interval plot draws it.
    `dash` joins its marks by a line: "solid", "dash" or "dot". `note` comes first on hover.
    """

    rows: Sequence[EstimateRow]
    colour: str | Callable[[EstimateRow], str]
    symbol: str = "circle"
    name: str = ""
    level: int = 0
    dash: str | None = None
    note: Callable[[EstimateRow], str] | None = None

    def colour_of(self, row: EstimateRow) -> str:
        """The colour of one row."""
        return self.colour if isinstance(self.colour, str) else self.colour(row)


def traces(
    series: Series, place: Callable[[EstimateRow], float], *, along: str, scale: float = 100.0
) -> Iterator[dict[str, Any]]:
    """The marks of a series, one trace per colour, because all intervals of a trace have the same colour in Plotly."""
    by_colour: dict[str, list[EstimateRow]] = {}
    for row in series.rows:
        if row.value is not None:
            by_colour.setdefault(series.colour_of(row), []).append(row)
    name = markup(series.name, 80)
    several = len(by_colour) > 1
    for colour, rows in by_colour.items():
        style = _style(series, colour) | {"showlegend": bool(name) and not several}
        style |= {"legendgroup": name} if several else {"name": name}
        places = [place(row) for row in rows]
        yield marks(rows, places, along=along, scale=scale, note=series.note, **style)
    if several and name:
        key = {"type": "scatter", "x": [None], "y": [None], "name": name, "legendgroup": name}
        yield key | _style(series, KEY)


def _style(series: Series, colour: str) -> dict[str, Any]:
    style: dict[str, Any] = {"marker": {"symbol": series.symbol, "size": 9, "color": colour}}
    if series.dash is None:
        return style | {"mode": "markers"}
    line = {"color": colour, "dash": series.dash, "width": 2}
    return {"mode": "lines+markers", "line": line, "marker": style["marker"] | {"size": 6}}


def marks(
    rows: Sequence[EstimateRow],
    places: Sequence[float],
    *,
    along: str,
    scale: float = 100.0,
    note: Callable[[EstimateRow], str] | None = None,
    **style: Any,
) -> dict[str, Any]:
    """A scatter of the rows' values along axis `along` ("x" or "y"), at `places` on the other."""
    values = [scale * (row.value or 0.0) for row in rows]
    ends = [(scale * _or(row.lower, row.value), scale * _or(row.upper, row.value)) for row in rows]
    interval = {
        "type": "data",
        "symmetric": False,
        "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
        "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
        "thickness": 1.5,
        "width": 3,
    }
    return {
        "type": "scatter",
        along: values,
        "y" if along == "x" else "x": list(places),
        f"error_{along}": interval,
        "text": [hover(row, note(row) if note else "") for row in rows],
        "customdata": [line_of(row) for row in rows],
        "hovertemplate": "%{text}<extra></extra>",
        **style,
    }


def _or(end: float | None, value: float | None) -> float:
    return float(end if end is not None else value or 0.0)


def hover(row: EstimateRow, note: str = "") -> str:
    """The whole row in a few lines: a note, the number, then what it was measured on."""
    value = "undefined" if row.value is None else f"{row.value:.3f}"
    ends = "no interval"
    if row.lower is not None and row.upper is not None:
        ends = f"[{row.lower:.3f}, {row.upper:.3f}]"
    lines = [note] if note else []
    lines.append(f"{row.quantity} {value} {ends} at {100 * row.level:.0f} %")
    lines.append(f"n = {row.n}; {row.method}")
    lines += [f"{key}: {getattr(row, key)}" for key in HOVER_KEYS if getattr(row, key) is not None]
    if line_of(row) is not None:
        lines.append(f"estimates.jsonl line {line_of(row)}")
    return "<br>".join(markup(line, 200) for line in lines)
