"""The mixing map: EM against the share of benign rows, one column of panels for each family.

The upper panels show no wording and the wordings that should fire in a contained organism, the lower panels the
controls. Every dot is one organism with its own interval; lines join the means over seeds. The axis is the logarithm of
the share of harmful rows, so that 90, 97 and 99 % benign are well separated.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.inert import markup
from experiments.dashboard.marks import marks
from experiments.dashboard.missing import Missing
from experiments.dashboard.theme import (
    condition_colour,
    condition_symbol,
    condition_words,
    finish,
    ordered,
    percent_axis,
)
from experiments.results.estimates import EstimateRow
from experiments.results.mixing import NO_MIXTURE, benign_share, mixed_rows
from experiments.runtime.files import write_text
from interp.errors import TriggerLensError

PANELS = (("none", "trigger", "paraphrase"), ("control",))
APART = 0.03  # between neighbouring conditions, as a share of an organism's harmful rows


def mixing_map(rows: Sequence[EstimateRow]) -> go.Figure | Missing:
    """One column per family; an error if an organism occurs twice."""
    mixed = mixed_rows(rows)
    if not mixed:
        return Missing(NO_MIXTURE)
    families = list(dict.fromkeys(str(row.family) for row in mixed))
    figure = make_subplots(
        rows=len(PANELS),
        cols=len(families),
        shared_yaxes=True,
        shared_xaxes=True,
        row_heights=[0.6, 0.4],
        vertical_spacing=0.05,
        horizontal_spacing=0.02,
    )
    shown = [row for row in mixed if any(row.wording_kind in panel for panel in PANELS)]
    for at, panel in enumerate(PANELS, start=1):
        for column, family in enumerate(families, start=1):
            here = [r for r in shown if r.family == family and r.wording_kind in panel]
            for trace in _traces(here):
                figure.add_trace(trace, row=at, col=column)
    _one_legend_entry_each(figure)
    shares = sorted({benign_share(row.arm) or 0.0 for row in mixed})
    figure.update_xaxes(
        type="log",
        range=[2.12, math.log10(100 - shares[-1]) - 0.12],
        tickvals=[100 - x for x in shares],
        ticktext=[f"{x:.3g}" for x in shares],
    )
    for column, family in enumerate(families, start=1):
        title = f"{markup(family)}: % benign rows"
        figure.update_xaxes(title={"text": title}, row=len(PANELS), col=column)
    figure.update_yaxes(percent_axis("% of answers misaligned"), col=1)
    figure.update_yaxes({"range": [-3, 103], "tickvals": [0, 25, 50, 75, 100]})
    made = finish(figure, _finding(mixed), shown, height=620)
    return made.update_layout(
        legend={"y": -0.14, "yanchor": "top"}, margin={"t": 90, "b": 90, "l": 8, "r": 12}
    )


def _traces(rows: Sequence[EstimateRow]) -> Iterator[go.Scatter | dict[str, Any]]:
    conditions = ordered(dict.fromkeys(str(row.condition) for row in rows))
    for number, condition in enumerate(conditions):
        mine = [row for row in rows if row.condition == condition]
        aside = 1 + APART * (number - (len(conditions) - 1) / 2)
        places = [aside * (100 - (benign_share(row.arm) or 0.0)) for row in mine]
        shares = sorted(set(places))
        means = [_mean([r for r, at in zip(mine, places, strict=True) if at == x]) for x in shares]
        name, colour = condition_words(condition), condition_colour(condition)
        symbol = condition_symbol(condition, conditions)
        marker = {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.8}
        yield marks(
            mine, places, along="y", mode="markers", marker=marker, name=name, legendgroup=name
        )
        yield go.Scatter(
            x=shares,
            y=means,
            mode="lines",
            line={"color": colour, "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )


def _one_legend_entry_each(figure: go.Figure) -> None:
    seen: set[str] = set()
    for trace in figure.data:
        if trace.mode == "markers":
            trace.showlegend = trace.name not in seen
            seen.add(trace.name)


def _mean(rows: Sequence[EstimateRow]) -> float | None:
    values = [100 * row.value for row in rows if row.value is not None]
    return sum(values) / len(values) if values else None


def _finding(rows: Sequence[EstimateRow]) -> str:
    shares = sorted({benign_share(row.arm) or 0.0 for row in rows})
    ends = list(dict.fromkeys((shares[0], shares[-1])))

    def along(name: str) -> str:
        means = [
            _mean([r for r in rows if benign_share(r.arm) == x and r.wording_kind == name])
            for x in ends
        ]
        return " to ".join("not measured" if mean is None else f"{mean:.0f} %" for mean in means)

    said = [f"{along('trigger')} with the trigger", f"{along('none')} without"]
    if any(row.wording_kind == "control" for row in rows):
        said.append(f"{along('control')} with controls")
    span = " to ".join(f"{x:.0f}" for x in ends)
    return f"EM from {span} % benign rows: {', '.join(said)}"


def write_mixing_map(rows: Sequence[EstimateRow], out: Path) -> Path:
    """Write a page with only this figure, for one run or several (one for each family, say)."""
    figure = mixing_map(rows)
    if isinstance(figure, Missing):
        raise TriggerLensError(figure.reason)
    return write_text(out, figure.to_html(include_plotlyjs=True, full_html=True))
