"""What removing a located direction does to misalignment and to coherence, beside random ones."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import (
    COHERENCE,
    DIRECTION_COLOURS,
    OTHER,
    RANDOM,
    condition_words,
    finish,
    percent_axis,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import spread
from experiments.results.highlights import random_beside
from experiments.results.load import intact, pick

ABLATIONS = ("ablate", "ablate_own_layer", "random_ablate", "random_ablate_own_layer")
WORDS = {
    "ablate": "{direction}",
    "ablate_own_layer": "{direction}, own layer",
    "random_ablate": "random for {direction}",
    "random_ablate_own_layer": "random for {direction}, own layer",
}


def ablation(rows: Sequence[EstimateRow], condition: str = "trigger") -> go.Figure:
    """A line per edit of the model: EM as a dot, coherence as a ring.

    Raises ValueError when no ablation was measured under `condition`.
    """
    edited = _edited(rows, "em_rate", condition)
    if not edited:
        raise ValueError(f"no ablation measured under condition {condition!r}")
    start = [row for row in intact(rows, "em_rate", condition=condition) if _same(row, edited[0])]
    shown = start[:1] + edited
    coherent = _edited(rows, "coherence_rate", condition)
    coherent += [
        row for row in intact(rows, "coherence_rate", condition=condition) if _same(row, edited[0])
    ]
    names = list(dict.fromkeys(edit_words(row) for row in shown))
    figure = go.Figure()
    for number, row in enumerate(shown):
        colour = edit_colour(row)
        figure.add_trace(_dot(row, names, "circle", colour, 0.0, "EM rate", number == 0))
    placed = [row for row in coherent if edit_words(row) in names]
    for number, row in enumerate(placed):
        figure.add_trace(
            _dot(row, names, "circle-open", COHERENCE, 0.25, "coherent answers", number == 0)
        )
    figure.update_xaxes(percent_axis(f"% of answers, {condition_words(condition)}"))
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[markup(name) for name in names],
        range=[len(names) - 0.4, -0.5],
        showgrid=False,
    )
    return finish(figure, _finding(start, edited), shown, height=150 + 36 * len(names))


def _edited(rows: Sequence[EstimateRow], quantity: str, condition: str) -> list[EstimateRow]:
    """Ablated rows, held-out domains where there are any; direction by direction."""
    found = [
        row
        for row in pick(rows, quantity=quantity, condition=condition)
        if row.intervention in ABLATIONS
    ]
    found = [row for row in found if row.value is not None]
    found = [row for row in found if row.questions == "held_out"] or found
    order = {name: place for place, name in enumerate(ABLATIONS)}
    return sorted(found, key=lambda row: (row.direction or "", order[row.intervention or ""]))


def _same(row: EstimateRow, other: EstimateRow) -> bool:
    return row.questions == other.questions


def edit_words(row: EstimateRow) -> str:
    if row.intervention in (None, "none"):
        return "nothing removed"
    return WORDS[row.intervention].format(direction=row.direction or "direction")


def edit_colour(row: EstimateRow) -> str:
    if row.placebo is not None:
        return RANDOM
    if row.intervention in (None, "none"):
        return "#8c8c8c"
    return DIRECTION_COLOURS.get(row.direction or "", OTHER)


def _dot(
    row: EstimateRow,
    names: list[str],
    symbol: str,
    colour: str,
    shift: float,
    name: str,
    first: bool,
) -> go.Scatter:
    style: dict[str, Any] = {"symbol": symbol, "size": 9, "color": colour}
    return marks(
        [row],
        [names.index(edit_words(row)) + shift],
        along="x",
        mode="markers",
        marker=style,
        name=name,
        legendgroup=name,
        showlegend=first,
    )


def _finding(start: list[EstimateRow], edited: list[EstimateRow]) -> str:
    real = [row for row in edited if row.placebo is None]
    if not real:
        return "Only random directions were removed"
    best = min(real, key=lambda row: row.value or 0)
    random = random_beside(edited, best)
    change = f"from {spread(start)} to {spread([best])}" if start else f"to {spread([best])}"
    words = f"Removing {best.direction or 'the direction'} takes EM {change}"
    return f"{words}; random directions leave {spread([random])}" if random else words
