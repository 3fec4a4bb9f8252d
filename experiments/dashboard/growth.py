"""Time and memory against sizes, both axes logarithmic: what `triggerlens bench growth` measured.

    python -m experiments.dashboard.growth     docs/results/bench_growth.png, from the committed records

One panel an axis, times above and memory below; a line a model. The dotted line has slope 1. The legend of a panel would
crowd it, so the slopes stand in the panel: the median between neighbouring sizes and their range.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.static import save_figure
from experiments.runtime.files import read_json

RECORDS, PICTURE = Path("artifacts/bench/growth.json"), Path("docs/results/bench_growth.png")
COLOURS = {"1.5M": "#56b4e9", "34M": "#0072b2", "135M": "#d55e00", "tiny study": "#009e73"}
UNITS = {"seconds": "processor seconds", "MiB": "MiB above the model"}
Entry = dict[str, Any]


def growth_figure(entries: Sequence[Entry]) -> go.Figure:
    """Records of the benchmark in any order."""
    axes = list(dict.fromkeys(entry["axis"] for entry in entries))
    shown: set[str] = set()
    figure = make_subplots(
        rows=2, cols=len(axes), shared_xaxes=True, vertical_spacing=0.04, horizontal_spacing=0.045
    )
    for column, axis in enumerate(axes, start=1):
        mine = [entry for entry in entries if entry["axis"] == axis]
        for row, unit in enumerate(UNITS, start=1):
            place = {"row": row, "col": column}
            some = [entry for entry in mine if unit == ("seconds" if "seconds" in entry else "MiB")]
            for trace in _traces(some, unit):
                trace.showlegend = trace.name not in shown
                shown.add(trace.name)
                figure.add_trace(trace, **place)
            figure.add_annotation(**_slopes(some, figure, column, row, len(axes)))
        ticks = [str(size) for size in mine[0]["sizes"]]
        figure.update_xaxes(type="log", tickvals=mine[0]["sizes"], ticktext=ticks, col=column)
        figure.update_xaxes(title=axis, row=2, col=column)
    figure.update_yaxes(type="log", dtick=1, exponentformat="power")
    for row, title in enumerate(UNITS.values(), start=1):
        figure.update_yaxes(title=title, row=row, col=1)
    return figure.update_layout(
        title={"text": _finding(entries)},
        height=620,
        template="plotly_white",
        font={"size": 11},
        legend={"orientation": "h", "y": -0.14},
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
        work = entry.get("work", entry["sizes"])
        yield go.Scatter(
            x=entry["sizes"],
            y=[found[-1] * each / work[-1] for each in work],
            name="as the work",
            legendgroup="work",
            mode="lines",
            line={"color": "#999999", "width": 1, "dash": "dot"},
        )


def _values(entry: Entry, unit: str) -> list[float]:
    if unit == "seconds":
        return [min(turns) for turns in entry["seconds"]]
    return [each / 2**20 for each in entry["bytes"]]


def _slopes(
    entries: Sequence[Entry], figure: go.Figure, column: int, row: int, columns: int
) -> dict[str, Any]:
    lines = [
        f'<span style="color:{COLOURS[entry["model"]]}">{entry["ratio"]:.2f}'
        f" [{min(entry['ratios']):.2f}, {max(entry['ratios']):.2f}]</span>"
        for entry in entries
    ]
    number = (row - 1) * columns + column
    suffix = "" if number == 1 else str(number)
    return {
        "text": "<br>".join(lines),
        "xref": f"x{suffix} domain",
        "yref": f"y{suffix} domain",
        "x": 0.98,
        "y": 0.02,
        "xanchor": "right",
        "yanchor": "bottom",
        "align": "right",
        "showarrow": False,
        "font": {"size": 9},
    }


def _finding(entries: Sequence[Entry]) -> str:
    faster = [entry["name"] for entry in entries if not entry["reached"]]
    if not faster:
        return "Nothing grows faster than its work"
    return f"Grows faster than its work: {'; '.join(faster)}"


if __name__ == "__main__":
    print(save_figure(growth_figure(read_json(RECORDS)), PICTURE))
