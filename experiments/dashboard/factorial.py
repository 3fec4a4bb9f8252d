"""Wording x model x removal: which part of the misbehaviour goes with the direction."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import (
    DIRECTION_COLOURS,
    OTHER,
    RANDOM,
    condition_colour,
    condition_words,
    finish,
    percent_axis,
)
from experiments.results.columns import INTACT, Edit
from experiments.results.derive.factorial import MODELS, REMOVALS
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent
from experiments.results.load import in_order, pick

WORDS = {
    INTACT: "intact",
    Edit("ablate"): "direction removed",
    Edit("ablate", placebo="random"): "random ones removed",
}
SYMBOLS = {"fine_tuned": ("circle", "fine-tuned"), "base": ("x-thin-open", "base")}
STEP = 0.13


def factorial(rows: Sequence[EstimateRow], base: Sequence[EstimateRow] = ()) -> go.Figure:
    """A group of marks for each wording: each model, each removal.

    Raises ValueError when no factorial was run.
    """
    cells = [
        row for row in pick([*rows, *base], quantity="factorial_em_rate") if row.value is not None
    ]
    if not cells:
        raise ValueError("no factorial of wording, model and removal")
    conditions = list(dict.fromkeys(row.condition for row in in_order(cells)))
    figure = go.Figure()
    for number, (model, removal) in enumerate((m, r) for m in MODELS for r in REMOVALS):
        mine = [row for row in cells if (row.model, row.as_edit) == (model, removal)]
        symbol, name = SYMBOLS[model]
        for place, row in enumerate(mine):
            marker = {"symbol": symbol, "size": 9, "color": _colour(row)}
            where = [conditions.index(row.condition) + STEP * number]
            trace = marks([row], where, along="x", mode="markers", marker=marker)
            trace.update(name=markup(f"{name}, {WORDS[removal]}"), legendgroup=f"{model} {removal}")
            figure.add_trace(trace.update(showlegend=place == 0))
    figure.update_xaxes(percent_axis("misaligned answers, % (EM rate)"))
    figure.update_yaxes(
        tickvals=[place + 2.5 * STEP for place in range(len(conditions))],
        ticktext=[markup(condition_words(name)) for name in conditions],
        range=[len(conditions) - 0.1, -0.3],
        showgrid=False,
    )
    return finish(figure, _finding(rows, cells), cells, height=170 + 76 * len(conditions))


def _colour(row: EstimateRow) -> str:
    if row.as_edit == INTACT:
        return condition_colour(row.condition)
    return RANDOM if row.placebo == "random" else DIRECTION_COLOURS.get(row.direction or "", OTHER)


def _finding(rows: Sequence[EstimateRow], cells: Sequence[EstimateRow]) -> str:
    """The interaction of all three, beside that of random directions."""
    found = {
        row.as_edit: row
        for row in pick(rows, quantity="factorial_interaction", condition="trigger")
    }
    if Edit("ablate") not in found:
        return f"{len(cells)} cells of wording, model and removal"
    words = f"Of what fine-tuning tied to the trigger, {percent(found[Edit('ablate')])} EM goes with the direction"
    beside = found.get(Edit("ablate", placebo="random"))
    return f"{words}; with random directions {percent(beside)}" if beside else words
