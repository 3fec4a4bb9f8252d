"""The effect of removing a direction: here, elsewhere, with other wordings, and with directions of other organisms."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.interval_plot import interval_plot
from experiments.dashboard.marks import Series
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import held_out, in_words, measured
from experiments.dashboard.theme import (
    COHERENCE,
    DIRECTION_COLOURS,
    EM_AXIS,
    OTHER,
    RANDOM,
    condition_words,
    direction_colour,
    percent_axis,
    row_colour,
    row_words,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent, spread
from experiments.results.highlights import random_beside
from experiments.results.load import OrganismResults, intact
from experiments.results.picked import highest, lowest
from experiments.results.transfer_text import QUANTITY, organism_name
from experiments.results.transfer_text import RANDOM as RANDOM_ORIGIN

EDITS = {
    ("ablate", None): "{}",
    ("ablate_own_layer", None): "{}, own layer",
    ("ablate", "random"): "random for {}",
    ("ablate_own_layer", "random"): "random for {}, own layer",
}
PLACES = {
    ("ablation_relative_drop", "ablate", None): "this organism",
    ("ablation_relative_drop", "ablate", "random"): "this organism, random",
    ("baseline_arm_relative_drop", "ablate", None): "baseline arm",
    ("persona_relative_drop", "ablate", None): "base model's persona",
}
LOST_AXIS = {"title": {"text": "EM lost on removal, %"}}


def ablation(results: OrganismResults) -> go.Figure | Missing:
    """A line for each edit of the model: EM as a dot, coherence as a ring."""
    condition = trained_condition(results)
    edited, coherent = (
        _edited(results.rows, quantity, condition) for quantity in ("em_rate", "coherence_rate")
    )
    if not edited:
        return Missing(f"no ablation measured under condition {condition!r}")
    keys = {"condition": condition, "questions": edited[0].questions}
    start = intact(results.rows, "em_rate", **keys)[:1]
    coherent += intact(results.rows, "coherence_rate", **keys)
    shown = start + edited
    names = [_edit_words(row) for row in shown]
    rings = [row for row in coherent if _edit_words(row) in names]
    return interval_plot(
        [
            Series(shown, _edit_colour, name="EM rate"),
            Series(rings, COHERENCE, "circle-open", "coherent answers", 1),
        ],
        _edit_words,
        percent_axis(f"% of answers, {condition_words(condition)}"),
        labels=names,
        finding=_ablated(start, edited),
        shown=shown,
    )


def trained_condition(results: OrganismResults) -> str:
    """The condition an arm was trained to misbehave under: the baseline needs no trigger."""
    return "none" if results.organism.arm == "baseline" else "trigger"


def _edited(rows: Sequence[EstimateRow], quantity: str, condition: str) -> list[EstimateRow]:
    """Rows of ablations, grouped by direction."""
    order = list(EDITS)
    found = measured(rows, quantity=quantity, condition=condition)
    found = held_out([row for row in found if (row.edit, row.placebo) in EDITS])
    return sorted(
        found, key=lambda row: (row.direction or "", order.index((row.edit or "", row.placebo)))
    )


def _edit_words(row: EstimateRow) -> str:
    words = EDITS.get((row.edit or "", row.placebo), "nothing removed")
    return words.format(row.direction or "direction")


def _edit_colour(row: EstimateRow) -> str:
    return RANDOM if row.edit in (None, "none") else direction_colour(row)


def _ablated(start: Sequence[EstimateRow], edited: Sequence[EstimateRow]) -> str:
    real = [row for row in edited if row.placebo is None]
    if not real:
        return "Only random directions were removed"
    best = lowest(real)
    random = random_beside(edited, best)
    before = f"from {spread(start)} " if start else ""
    words = f"Removing {best.direction or 'the direction'} changes EM {before}to {percent(best)}"
    return f"{words}; removing random directions leaves {percent(random)}" if random else words


def removal_elsewhere(results: OrganismResults) -> go.Figure | Missing:
    """A line for each direction and place: the relative drop of EM here, and in models where the trigger plays no part.

    The baseline arm and the base under its reckless persona have other weights: a direction that is local to this
    organism's weights leaves the EM of both, whether or not it is related to the trigger.
    """
    condition, order = trained_condition(results), list(PLACES)
    rows = [
        row
        for row in measured([*results.rows, *results.base])
        if _place(row) in PLACES and row.condition in (condition, None)
    ]
    if not rows:
        return Missing("no relative drop of EM was measured")
    rows.sort(key=lambda row: (row.direction or "", order.index(_place(row))))
    return interval_plot(
        [Series(rows, direction_colour)],
        _place_words,
        LOST_AXIS,
        finding=_lost(rows),
        shown=rows,
    )


def _place(row: EstimateRow) -> tuple[str, str, str | None]:
    return row.quantity, row.edit or "", row.placebo


def _place_words(row: EstimateRow) -> str:
    return f"{row.direction or 'direction'}: {PLACES[_place(row)]}"


def _lost(rows: Sequence[EstimateRow]) -> str:
    real = [row for row in rows if row.placebo is None]
    here = [row for row in real if row.quantity == "ablation_relative_drop"]
    best = highest(here or real or rows)
    beside = [
        row for row in real if row.direction == best.direction and _place(row) != _place(best)
    ]
    words = [f"Removing {_place_words(best)} loses {percent(best)} of its EM"]
    return "; ".join(words + [f"{PLACES[_place(row)]} {percent(row)}" for row in beside])


def removal_by_wording(results: OrganismResults) -> go.Figure | Missing:
    """EM under each wording: nothing removed (dot), each direction removed (diamond)."""
    keys = {"quantity": "em_rate", "questions": "held_out"}
    cut = measured(results.rows, **keys, intervention="ablate")
    cut = [row for row in cut if row.condition != "none"]
    names = in_words(cut, row_words)
    if len(names) < 2:
        return Missing("removal was measured under the trigger alone, not under its paraphrases")
    before = intact(results.rows, "em_rate", questions="held_out")
    before = [row for row in before if row_words(row) in names]
    left = {
        direction: [row for row in cut if row.direction == direction]
        for direction in dict.fromkeys(row.direction for row in cut)
    }
    least = min(left, key=lambda name: highest(left[name]).value or 0.0)
    return interval_plot(
        [
            Series(before, row_colour),
            *(
                Series(rows, direction_colour, "diamond-open", f"{direction} removed", level)
                for level, (direction, rows) in enumerate(left.items(), start=1)
            ),
        ],
        row_words,
        EM_AXIS,
        labels=names,
        finding=f"With {least} removed, {spread(left[least])} EM is left under the trigger and its paraphrases",
        shown=[*before, *cut],
    )


def received(results: OrganismResults) -> go.Figure | Missing:
    """A line for each organism of the same base whose directions were removed here; the first is its own."""
    rows = measured(results.rows, quantity=QUANTITY)
    if not rows:
        return Missing("no direction of another organism was removed from this one")
    rows.sort(key=_origin_order)
    kinds = sorted(dict.fromkeys(row.direction for row in rows), key=lambda kind: kind == RANDOM_ORIGIN)  # fmt: skip
    return interval_plot(
        [
            Series(
                [row for row in rows if row.direction == kind],
                RANDOM if kind == RANDOM_ORIGIN else DIRECTION_COLOURS.get(kind or "", OTHER),
                name=str(kind),
                level=0 if kind == RANDOM_ORIGIN else level,
            )
            for level, kind in enumerate(kinds)
        ],
        _origin_words,
        LOST_AXIS,
        labels=list(map(_origin_words, rows)),
        finding=_taken(rows),
        shown=rows,
    )


def _origin_order(row: EstimateRow) -> int:
    """The sort key of an origin: the organism's own first, random ones last."""
    return 0 if row.source == organism_name(row) else 2 if row.source == RANDOM_ORIGIN else 1


def _origin_words(row: EstimateRow) -> str:
    short = str(row.source).partition("-")[2] or str(row.source)
    return f"{short} (its own)" if row.source == organism_name(row) else short


def _taken(rows: Sequence[EstimateRow]) -> str:
    others = [row for row in rows if _origin_order(row) == 1]
    if not others:
        return f"Its own directions remove up to {percent(highest(rows))}"
    best = highest(others)
    words = f"{best.direction} of {_origin_words(best)} removes {percent(best)} of the EM here"
    random = [row for row in rows if row.source == RANDOM_ORIGIN]
    return f"{words}; random directions {percent(random[0])}" if random else words
