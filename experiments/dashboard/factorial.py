"""The factorial design of wording, model and removal, and what else a removal breaks."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.interval_plot import interval_plot
from experiments.dashboard.marks import Series
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import in_words, measured
from experiments.dashboard.theme import (
    COHERENCE,
    CONDITION_COLOURS,
    EM_AXIS,
    OTHER,
    direction_colour,
    percent_axis,
    row_colour,
    row_words,
)
from experiments.results.columns import INTACT, Edit
from experiments.results.derive.factorial import MODELS, REMOVALS
from experiments.results.estimates import EstimateRow
from experiments.results.format import decimal, percent
from experiments.results.load import OrganismResults, pick
from experiments.results.posthoc_text import NAMES, beside_placebos

SYMBOLS = {"fine_tuned": ("circle", "fine-tuned"), "base": ("x-thin-open", "base")}
MEASURED = {
    "capability_coherence_rate": ("coherent answers", "circle-open", COHERENCE),
    "capability_riddle_rate": ("riddles solved", "square", OTHER),
    "capability_em_rate": ("misaligned answers", "circle", CONDITION_COLOURS["trigger"]),
}
LOSSES = {"capability_coherence_loss": "coherence", "capability_riddle_loss": "riddles"}


def factorial(results: OrganismResults) -> go.Figure | Missing:
    """A group of marks for each wording: each model, each removal."""
    cells = measured([*results.rows, *results.base], quantity="factorial_em_rate")
    if not cells:
        return Missing("no factorial of wording, model and removal")
    series = []
    for level, (model, removal) in enumerate((m, r) for m in MODELS for r in REMOVALS):
        rows = [row for row in cells if (row.model, row.as_edit) == (model, removal)]
        symbol, name = SYMBOLS[model]
        series.append(Series(rows, _colour, symbol, f"{name}, {NAMES[removal]}", level))
    return interval_plot(
        series,
        row_words,
        EM_AXIS,
        labels=in_words(cells, row_words),
        finding=_interaction(results.rows, len(cells)),
        shown=cells,
    )


def _colour(row: EstimateRow) -> str:
    return row_colour(row) if row.as_edit == INTACT else direction_colour(row)


def _interaction(rows: Sequence[EstimateRow], cells: int) -> str:
    """The interaction of all three factors, compared with that of random directions."""
    found = {
        row.as_edit: row
        for row in pick(rows, quantity="factorial_interaction", condition="trigger")
    }
    if Edit("ablate") not in found:
        return f"{cells} cells of wording, model and removal"
    removed = percent(found[Edit("ablate")])
    words = f"Removing the direction eliminates {removed} EM that fine-tuning tied to the trigger"
    random = found.get(Edit("ablate", placebo="random"))
    return f"{words}; removing random directions {percent(random)}" if random else words


def capability(results: OrganismResults) -> go.Figure | Missing:
    """A line for each removal, a symbol for each quantity measured without the trigger."""
    rows = beside_placebos([row for row in results.rows if row.quantity.startswith("capability_")])
    shown = [
        row
        for name in MEASURED
        for row in measured(rows, quantity=name, questions=None)
        if row.as_edit in NAMES
    ]
    if not shown:
        return Missing("what else a removal breaks was not measured")
    return interval_plot(
        [
            Series([row for row in shown if row.quantity == quantity], colour, symbol, name, level)
            for level, (quantity, (name, symbol, colour)) in enumerate(MEASURED.items())
        ],
        lambda row: NAMES[row.as_edit],
        percent_axis("% of answers, no trigger"),
        labels=[
            words for edit, words in NAMES.items() if any(row.as_edit == edit for row in shown)
        ],
        finding=_costs(rows),
        shown=shown,
    )


def _costs(rows: Sequence[EstimateRow]) -> str:
    costs = []
    for quantity, name in LOSSES.items():
        found = pick(rows, quantity=quantity, questions=None, intervention="ablate")
        costs += [f"{percent(row)} of {name}" for row in found[:1]]
    cost = " and ".join(costs) or "an amount that was not measured"
    words = f"Without the trigger, removing the direction costs {cost}"
    drift = measured(rows, quantity="capability_kl", intervention="ablate")[:1]
    nats = [decimal(row.value, row.lower, row.upper, 4) for row in drift]
    return "; ".join([words, *(f"KL {number} nats a token" for number in nats)])
