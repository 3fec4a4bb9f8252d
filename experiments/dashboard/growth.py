"""Time and memory against sizes, on logarithmic axes, as measured by `triggerlens bench growth`.

    python -m experiments.dashboard.growth     docs/results/bench_growth.png, from the committed records

There is one panel for each axis, with times above and memory below, and one line for each model. The dotted line is
proportional to the work. Above each panel are the slopes: the median between neighbouring sizes, and their range.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.static import save_figure
from experiments.runtime.files import read_json

RECORDS, PICTURE = Path("artifacts/bench/growth.json"), Path("docs/results/bench_growth.png")
COLOURS = {"1.5M": "#56b4e9", "34M": "#0072b2", "135M": "#d55e00", "tiny study": "#009e73"}
COLUMNS = 3
UNITS = {"seconds": "processor seconds", "MiB": "MiB above the model"}
Entry = dict[str, Any]


def growth_figure(entries: Sequence[Entry]) -> go.Figure:
    """Records of the benchmark in any order."""
    axes = list(dict.fromkeys(entry["axis"] for entry in entries))
    rows = 2 * math.ceil(len(axes) / COLUMNS)
    figure = make_subplots(
        rows=rows, cols=COLUMNS, vertical_spacing=0.28 / rows, horizontal_spacing=0.1
    )
    shown: set[str] = set()
    for number, axis in enumerate(axes):
        mine = [entry for entry in entries if entry["axis"] == axis]
        for below, unit in enumerate(UNITS):
            row, column = 2 * (number // COLUMNS) + below + 1, number % COLUMNS + 1
            some = [entry for entry in mine if unit == ("seconds" if "seconds" in entry else "MiB")]
            for trace in _traces(some, unit):
                trace.showlegend = trace.name not in shown
                shown.add(trace.name)
                figure.add_trace(trace, row=row, col=column)
            figure.add_annotation(**_slopes(some, (row - 1) * COLUMNS + column))
            sizes = sorted({size for entry in mine for size in entry["sizes"]})
            ticks = {"tickvals": sizes, "ticktext": [str(size) for size in sizes], "tickangle": 0}
            figure.update_xaxes(type="log", **ticks, row=row, col=column)
            figure.update_xaxes(title={"text": axis, "standoff": 4}, row=row, col=column)
            if column == 1:
                figure.update_yaxes(title=UNITS[unit], row=row, col=column)
    figure.update_yaxes(type="log", dtick="D2")
    return figure.update_layout(
        title={"text": _finding(entries)},
        height=270 * rows,
        template="plotly_white",
        font={"size": 10},
        legend={"orientation": "h", "y": -0.06},
    )


def _traces(entries: Sequence[Entry], unit: str) -> Iterator[go.Scatter]:
    for entry in entries:
        found = _values(entry, unit)
        yield go.Scatter(
            x=entry["sizes"],
            y=found,
            name=entry["model"],
            legendgroup=entry["model"],
            mode="lines+markers",
            line={"color": COLOURS[entry["model"]], "width": 2},
            marker={"size": 6},
        )
        work: list[float] = entry.get("work") or entry["sizes"]
        yield go.Scatter(
            x=entry["sizes"],
            y=[found[-1] * each / work[-1] for each in work],
            name="proportional to the work",
            legendgroup="work",
            mode="lines",
            line={"color": "#999999", "width": 1, "dash": "dot"},
        )


def _values(entry: Entry, unit: str) -> list[float]:
    if unit == "seconds":
        return [min(turns) for turns in entry["seconds"]]
    return [each / 2**20 for each in entry["bytes"]]


def _slopes(entries: Sequence[Entry], number: int) -> dict[str, Any]:
    """The slope of each model, as text above its panel."""
    lines = [
        f'<span style="color:{COLOURS[entry["model"]]}">{entry["model"]}: {entry["ratio"]:.2f}'
        f" [{min(entry['ratios']):.2f}, {max(entry['ratios']):.2f}]</span>"
        for entry in entries
    ]
    panel = "" if number == 1 else str(number)
    place = {"xref": f"x{panel} domain", "yref": f"y{panel} domain", "x": 0, "y": 1.02}
    anchors = {"xanchor": "left", "yanchor": "bottom", "align": "left", "showarrow": False}
    return {"text": "<br>".join(lines), **place, **anchors, "font": {"size": 9}}


def _finding(entries: Sequence[Entry]) -> str:
    faster = [entry["name"] for entry in entries if not entry["reached"]]
    if not faster:
        return "Nothing grows faster than the amount of work"
    return f"These grow faster than the amount of work:<br>{'; '.join(faster)}"


if __name__ == "__main__":
    print(save_figure(growth_figure(read_json(RECORDS)), PICTURE))
