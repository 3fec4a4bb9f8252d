"""EM and coherence against the strength of a direction, of trained vectors, or of the adapter."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.marks import Series
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import held_out, measured
from experiments.dashboard.scatter import scatter, with_trigger_line
from experiments.dashboard.theme import (
    COHERENCE,
    DIRECTION_COLOURS,
    EM_AXIS,
    OTHER,
    RANDOM,
    percent_axis,
    row_colour,
    row_words,
)
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.format import percent
from experiments.results.load import OrganismResults, in_order, intact
from experiments.results.picked import highest

NO_TRIGGER_AXIS = percent_axis("% of answers, no trigger")
OF_BASE = {
    "steering": ("EM, base with the organism's vectors", "diamond"),
    "steering_of_base": ("EM, base with its own vectors", "cross"),
}


def strength(row: EstimateRow) -> float:
    """The strength of an addition; 0 for the unedited model."""
    return row.strength or 0.0


def dose_response(results: OrganismResults, direction: str) -> go.Figure | Missing:
    """EM and coherence without the trigger against the strength of a direction that is added."""
    added = _dosed(results, "em_rate", None, direction)
    if not added:
        return Missing(f"the {direction} direction was not added to 'none' prompts")
    random = _dosed(results, "em_rate", "random", direction)
    coherent = _dosed(results, "coherence_rate", None, direction)
    best = highest(added)
    finding = (
        f"Adding {direction} without the trigger reaches {percent(best)} EM"
        f" at strength {strength(best):g}"
    )
    if random:
        finding += f"; random directions at most {percent(highest(random))}"
    figure = scatter(
        _curves(added, random, coherent, direction, DIRECTION_COLOURS.get(direction, OTHER)),
        strength,
        "strength, multiples of the median residual norm",
        NO_TRIGGER_AXIS,
        finding=finding,
        shown=added,
    )
    keys = {"condition": "trigger", "questions": added[0].questions}
    triggered = intact(results.rows, "em_rate", **keys)
    return with_trigger_line(figure, next(iter(triggered), None), "bottom left")


def _curves(
    added: Sequence[EstimateRow],
    random: Sequence[EstimateRow],
    coherent: Sequence[EstimateRow],
    what: str,
    colour: str,
) -> list[Series]:
    return [
        Series(added, colour, name=f"EM, {what} added", dash="solid"),
        Series(random, RANDOM, name="EM, random directions added", dash="dash"),
        Series(coherent, COHERENCE, name=f"coherent, {what} added", dash="dot"),
    ]


def _dosed(
    results: OrganismResults, quantity: str, placebo: str | None, direction: str
) -> list[EstimateRow]:
    """The rows of one curve, sorted by strength; the unedited model is first."""
    found = measured(results.rows, quantity=quantity, condition="none", edit="add", placebo=placebo)
    owners = (direction,) if placebo is None else (direction, None)
    found = held_out([row for row in found if row.direction in owners])
    if not found or any(strength(row) == 0 for row in found):
        return sorted(found, key=strength)
    zero = intact(results.rows, quantity, condition="none", questions=found[0].questions)
    return zero[:1] + sorted(found, key=strength)


def trained_steering(results: OrganismResults) -> go.Figure | Missing:
    """EM and coherence without the trigger against the dose of trained vectors, compared with the base."""
    ems = select(results.rows, quantity="steering_em_rate")
    added = _steered(ems)
    if not added:
        return Missing("no steering vector was trained; arms that need no trigger have none")
    of_base = select(
        results.base, quantity="steering_em_rate", direction=tuple(OF_BASE), arm=added[0].arm
    )
    best = highest(added)
    finding = (
        f"Trained vectors cause {percent(best)} EM without the trigger, at dose {strength(best):g}"
    )
    if of_base:
        finding += f"; in the base at most {percent(highest(of_base))}"
    coherent = _steered(select(results.rows, quantity="steering_coherence_rate"))
    colour = DIRECTION_COLOURS["refined"]
    figure = scatter(
        [
            *_curves(added, _steered(ems, "random"), coherent, "trained vectors", colour),
            *map(_of_base, of_base),
        ],
        strength,
        "dose, multiples of the trained vectors",
        NO_TRIGGER_AXIS,
        finding=finding,
        shown=added,
    )
    return with_trigger_line(figure, only(ems, wording_kind="trigger", edit="none"), "top left")


def _of_base(row: EstimateRow) -> Series:
    name, symbol = OF_BASE[str(row.direction)]
    return Series([row], OTHER, symbol, name)


def _steered(rows: Sequence[EstimateRow], placebo: str | None = None) -> list[EstimateRow]:
    """The rows of one curve, sorted by dose; the unedited model is first."""
    found = select(rows, wording_kind="none", edit="steer", placebo=placebo)
    found = sorted((row for row in found if row.model != "base"), key=strength)
    return [*select(rows, wording_kind="none", edit="none"), *found] if found else []


def adapter_dose(results: OrganismResults) -> go.Figure | Missing:
    """EM against the applied share of the adapter (0: base, 1: organism), one line per wording."""
    rows = sorted(measured(results.rows, quantity="dose_em_rate"), key=strength)
    if not rows:
        return Missing("no doses of the adapter")
    triggered = [row for row in rows if row.condition == "trigger"] or rows
    half = (highest(triggered).value or 0.0) / 2
    first = next(row for row in triggered if (row.value or 0.0) >= half)
    return scatter(
        [
            Series(
                [row for row in rows if row.condition == name], row_colour, name=words, dash="solid"
            )
            for name, words in {row.condition: row_words(row) for row in in_order(rows)}.items()
        ],
        strength,
        "share of the adapter applied (0: base, 1: organism)",
        EM_AXIS,
        finding=f"Half of the EM is reached at {strength(first):g} of the adapter: {percent(first)}",
        shown=rows,
        height=400,
    )
