"""Checkpoints of a fine-tuning: EM, probes, and the effects of removing and adding directions at each checkpoint.

There is one column for each arm, and four rows of panels. Every dot is one organism with its own interval; lines join
the means over seeds. The axis is the square root of the step, so that the first steps are further apart. A share of EM
lost is left out if its interval is as long as the axis, because there was hardly any EM to be lost.

    python -m experiments.dashboard.birth artifacts/reference/birth birth.html     (or .svg, .png, .pdf with kaleido)
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.inert import markup
from experiments.dashboard.marks import marks
from experiments.dashboard.missing import Missing
from experiments.dashboard.static import save_figure
from experiments.dashboard.theme import (
    CONDITION_COLOURS,
    DIRECTION_COLOURS,
    OTHER,
    RANDOM,
    finish,
    percent_axis,
)
from experiments.results.estimates import EstimateRow, read_estimates
from experiments.runtime.files import write_text
from experiments.runtime.plain_errors import plain_errors
from interp.errors import TriggerLensError

EM, DROP, AUROC = "birth_em_rate", "birth_relative_drop", "birth_auroc"
NO_BIRTH = "no checkpoints were measured; run triggerlens run birth first"
LAYER = 2  # the layer whose read-outs are drawn


class Line(NamedTuple):
    """One series of a panel: its name, its colour and the rows that it draws."""

    name: str
    colour: str
    holds: Callable[[EstimateRow], bool]


def _intact(kind: str) -> Callable[[EstimateRow], bool]:
    return lambda row: (row.quantity, row.edit, row.wording_kind) == (EM, "none", kind)


def _edited(quantity: str, edit: str, direction: str, placebo: str | None) -> Callable[..., bool]:
    wanted = (quantity, edit, direction, placebo)
    return lambda row: (row.quantity, row.edit, row.direction, row.placebo) == wanted


def _edits(quantity: str, edit: str) -> list[Line]:
    named = DIRECTION_COLOURS.items()
    lines = [Line(n, colour, _edited(quantity, edit, n, None)) for n, colour in named]
    random = Line("random directions", RANDOM, _edited(quantity, edit, "switch", "random"))
    return [*lines[:2], random]


PANELS: dict[str, list[Line]] = {
    "EM, %": [
        Line(name, CONDITION_COLOURS[kind], _intact(kind))
        for kind, name in (
            ("trigger", "trigger"), ("none", "no trigger"), ("paraphrase", "paraphrases"), ("control", "controls"),
        )
    ],
    f"AUROC, layer {LAYER}, %": [
        Line("probe, unseen wordings", DIRECTION_COLOURS["switch"], lambda r: r.quantity == AUROC and r.layer == LAYER),
        Line("bag of tokens", OTHER, lambda r: r.quantity == AUROC and r.layer is None),
    ],
    "EM lost on removal, %": _edits(DROP, "ablate"),
    "EM on addition, %": _edits(EM, "add"),
}  # fmt: skip


def birth_figure(rows: Sequence[EstimateRow]) -> go.Figure | Missing:
    """All arms of one run."""
    born = [row for row in rows if row.quantity in (EM, DROP, AUROC) and _is_known(row)]
    if not born:
        return Missing(NO_BIRTH)
    arms = list(dict.fromkeys(str(row.arm) for row in born))
    figure = make_subplots(
        rows=len(PANELS),
        cols=len(arms),
        shared_xaxes="columns",
        shared_yaxes="rows",
        vertical_spacing=0.03,
        horizontal_spacing=0.02,
        column_titles=[markup(arm.replace("_", " ")) for arm in arms],
    )
    seen: set[str] = set()
    for at, (title, lines) in enumerate(PANELS.items(), start=1):
        for column, arm in enumerate(arms, start=1):
            for trace in _traces([row for row in born if row.arm == arm], lines, seen):
                figure.add_trace(trace, row=at, col=column)
        figure.update_yaxes(percent_axis(title), row=at, col=1)
    figure.update_yaxes({"range": [-12, 103], "tickvals": [0, 25, 50, 75, 100]})
    steps = sorted({row.step or 0 for row in born})
    ticks = [step for step in steps if step in (0, 20, 80, steps[-1]) or step == 150]
    figure.update_xaxes(tickvals=[sqrt(step) for step in ticks], ticktext=[str(s) for s in ticks])
    figure.update_xaxes(title={"text": "fine-tuning steps"}, row=len(PANELS))
    made = finish(figure, _finding(born, arms), [r for r in born if r.quantity == EM], height=900)
    return made.update_layout(legend={"y": -0.08, "yanchor": "top"}, margin={"t": 100, "b": 90})


def _is_known(row: EstimateRow) -> bool:
    if row.value is None or row.lower is None or row.upper is None:
        return False
    return row.quantity != DROP or row.upper - row.lower < 1


def _traces(
    rows: Sequence[EstimateRow], lines: Sequence[Line], seen: set[str]
) -> Iterator[go.Scatter]:
    for line in lines:
        mine = [row for row in rows if line.holds(row)]
        places = [sqrt(row.step or 0) for row in mine]
        style = {"color": line.colour, "size": 5, "opacity": 0.7}
        shown = bool(mine) and line.name not in seen
        yield marks(
            mine, places, along="y", mode="markers", marker=style, name=line.name,
            legendgroup=line.name, showlegend=shown,
        )  # fmt: skip
        seen |= {line.name} if shown else set()
        steps = sorted(set(places))
        means = [
            _mean([r for r, x in zip(mine, places, strict=True) if x == step]) for step in steps
        ]
        yield go.Scatter(
            x=steps, y=means, mode="lines", line={"color": line.colour, "width": 1.5},
            hoverinfo="skip", showlegend=False, legendgroup=line.name,
        )  # fmt: skip


def _mean(rows: Sequence[EstimateRow]) -> float:
    return sum(100 * (row.value or 0.0) for row in rows) / len(rows)


def _finding(rows: Sequence[EstimateRow], arms: Sequence[str]) -> str:
    def at_the_end(arm: str) -> str:
        own = [row for row in rows if row.arm == arm]
        last = max(row.step or 0 for row in own)
        fires = _mean([r for r in own if r.step == last and _intact("trigger")(r)])
        return f"{fires:.0f} % ({arm.replace('_', ' ')}, step {last})"

    return f"EM with the trigger reaches {', '.join(map(at_the_end, arms))}"


def main(run: str, out: str) -> None:
    """Draw one run into a file; its ending sets the format."""
    rows = Path(run) / "estimates.jsonl"
    if not rows.is_file():
        raise TriggerLensError(f"{run} has no {rows.name}; give the folder of a finished run")
    figure = birth_figure(read_estimates(rows))
    if isinstance(figure, Missing):
        raise TriggerLensError(figure.reason)
    if out.endswith(".html"):
        print(write_text(out, figure.to_html(include_plotlyjs=True, full_html=True)))
    else:
        print(save_figure(figure, out))


if __name__ == "__main__":
    with plain_errors():
        main(*sys.argv[1:])
