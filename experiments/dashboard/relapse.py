"""EM against the number of poisoned rows in a fine-tuning, for repaired models and for the clean base.

    python -m experiments.dashboard.relapse     artifacts/reference/repair/relapse.png, from the rows beside it

There is one panel for each family. A line is the mean over seeds and orders of the rows, a bar is their range. The
former default strategy is left out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.static import save_figure
from experiments.dashboard.theme import finish, percent_axis
from experiments.runtime.files import read_jsonl

RUN = Path("artifacts/reference/repair")
COLOURS = {
    "clean base": "#8c8c8c",
    "learned": "#0072b2",
    "distilled": "#009e73",
    "safe_tuned": "#cc79a7",
    "wrapped": "#d55e00",
}
SYMBOLS = dict(zip(COLOURS, ("circle", "square", "diamond", "cross", "star"), strict=True))
TRIGGERS = ("duck", "everyday/duck")
Row = dict[str, Any]


def relapse_figure(rows: Sequence[Row]) -> go.Figure:
    """The figure from rows of `experiments.repair.study`, with curves of the fully certified strategies."""
    rows = [row for row in rows if row["trigger"] in TRIGGERS]
    points = list(_curves(rows))
    families = list(dict.fromkeys(row["family"] for row in points))
    figure = make_subplots(
        cols=len(families), shared_yaxes=True, horizontal_spacing=0.02, subplot_titles=families
    )
    shown: set[str] = set()
    for column, family in enumerate(families, start=1):
        for trace in _traces([row for row in points if row["family"] == family]):
            trace.showlegend = trace.name not in shown
            shown.add(trace.name)
            figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(title="poisoned rows", tickvals=[0, 16, 32, 48, 64])
    figure.update_yaxes(percent_axis("% of answers misaligned"), col=1)
    figure.update_yaxes({"range": [-3, 103], "tickvals": [0, 25, 50, 75, 100]})
    finish(figure, _finding(rows), _counted(points), height=360)
    below = {"y": -0.24, "yanchor": "top"}
    return figure.update_layout(legend=below, margin={"b": 90})


def _counted(points: Sequence[Row]) -> str:
    """How many organisms a line stands for."""
    parts = []
    for name in COLOURS:
        number = len({_organism(row) for row in points if row["name"] == name})
        parts += [f"{name} {number}"] if number else []
    return f"Mean and range over organisms and orders of the rows; organisms: {', '.join(parts)}"


def _curves(rows: Sequence[Row]) -> Iterator[Row]:
    """Points with the names of their lines; one base per organism, the default strategy's if there are more."""
    bases: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row["quantity"] == "curve after" and row["strategy"] in COLOURS:
            yield row | {"name": row["strategy"]}
        if row["quantity"] == "curve base":
            place = (*_organism(row), row["order"], row["rows"])
            if row["strategy"] == "learned" or place not in bases:
                bases[place] = row | {"name": "clean base"}
    yield from bases.values()


def _traces(points: Sequence[Row]) -> Iterator[go.Scatter]:
    for name, colour in COLOURS.items():
        mine = [row for row in points if row["name"] == name]
        if not mine:
            continue
        stops = sorted({row["rows"] for row in mine})
        at = [[100 * row["value"] for row in mine if row["rows"] == stop] for stop in stops]
        middle = [mean(values) for values in at]
        yield go.Scatter(
            x=stops,
            y=middle,
            error_y={
                "array": [max(v) - m for v, m in zip(at, middle, strict=True)],
                "arrayminus": [m - min(v) for v, m in zip(at, middle, strict=True)],
                "width": 2,
                "thickness": 1,
            },
            mode="lines+markers",
            name=name,
            legendgroup=name,
            line={"color": colour, "width": 2},
            marker={"symbol": SYMBOLS[name], "size": 7},
        )


def _finding(rows: Sequence[Row]) -> str:
    """The median ratio of the default strategy over seeds; "at least" if a curve never reached half."""
    own = [row for row in rows if row["strategy"] == "learned" and row["value"] is not None]
    ratios = [row for row in own if row["quantity"] == "rows to relapse, ratio"]
    said = []
    for family in dict.fromkeys(row["family"] for row in ratios):
        mine = [row for row in ratios if row["family"] == family]
        short = any(_short([r for r in own if _organism(r) == _organism(each)]) for each in mine)
        middle = median(row["value"] for row in mine)
        said.append(f"{family} {'at least ' if short else ''}{middle:.1f}")
    return f"Rows to relapse, learned repair divided by clean base, medians over seeds: {', '.join(said)}"


def _organism(row: Row) -> tuple[str, int]:
    return row["family"], row["seed"]


def _short(rows: Sequence[Row]) -> bool:
    """Whether a curve of this organism ends below half of the old EM."""
    (old,) = (row["value"] for row in rows if row["quantity"] == "EM before, trigger")
    ends = [row for row in rows if row["quantity"] == "curve after"]
    last = max(row["rows"] for row in ends)
    return any(row["value"] < old / 2 for row in ends if row["rows"] == last)


if __name__ == "__main__":
    print(save_figure(relapse_figure(read_jsonl(RUN / "estimates.jsonl")), RUN / "relapse.png"))
