"""What adding a direction to untriggered prompts does, strength by strength, beside random ones."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import (
    COHERENCE,
    CONDITION_COLOURS,
    DIRECTION_COLOURS,
    OTHER,
    RANDOM,
    finish,
    percent_axis,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import spread
from experiments.results.load import intact, pick


def dose_response(
    rows: Sequence[EstimateRow], direction: str, condition: str = "none"
) -> go.Figure:
    """EM and coherence against strength; the triggered EM rate as a line to compare with.

    Raises ValueError when this direction was added at no strength.
    """
    added = _dosed(rows, "em_rate", None, direction, condition)
    if not added:
        raise ValueError(f"the {direction} direction was not added to {condition!r} prompts")
    random = _dosed(rows, "em_rate", "random", direction, condition)
    coherent = _dosed(rows, "coherence_rate", None, direction, condition)
    colour = DIRECTION_COLOURS.get(direction, OTHER)
    figure = go.Figure()
    for name, found, style in (
        (f"EM, {direction} added", added, _line(colour)),
        ("EM, random directions added", random, _line(RANDOM, dash="dash")),
        (f"coherent, {direction} added", coherent, _line(COHERENCE, dash="dot")),
    ):
        doses = [strength(row) for row in found]
        figure.add_trace(
            marks(found, doses, along="y", name=markup(name), mode="lines+markers", **style)
        )
    reference = [
        row
        for row in intact(rows, "em_rate", condition="trigger")
        if row.questions == added[0].questions
    ]
    if reference and reference[0].value is not None:
        figure.add_hline(
            y=100 * reference[0].value,
            line={"color": CONDITION_COLOURS["trigger"], "dash": "dot", "width": 1.5},
            annotation={"text": f"with the trigger, nothing added: {spread(reference[:1])}"},
            annotation_position="bottom left",
        )
    figure.update_xaxes(title={"text": "strength, multiples of the median residual norm"})
    figure.update_yaxes(percent_axis("% of answers, no trigger"))
    return finish(figure, _finding(added, random, direction), added, height=420)


def strength(row: EstimateRow) -> float:
    """Of the addition; the unedited model is 0."""
    return row.strength or 0.0


def _dosed(
    rows: Sequence[EstimateRow], quantity: str, placebo: str | None, direction: str, condition: str
) -> list[EstimateRow]:
    """The rows of one curve by strength, the unedited model first; held-out domains if any."""
    found = pick(rows, quantity=quantity, condition=condition, edit="add", placebo=placebo)
    owners = (direction,) if placebo is None else (direction, None)
    found = [row for row in found if row.direction in owners and row.value is not None]
    found = [row for row in found if row.questions == "held_out"] or found
    if not found:
        return []
    zero = intact(rows, quantity, condition=condition, questions=found[0].questions)
    if any(strength(row) == 0 for row in found):
        zero = []
    return zero[:1] + sorted(found, key=strength)


def _line(colour: str, dash: str = "solid") -> dict[str, Any]:
    return {"line": {"color": colour, "dash": dash, "width": 2}, "marker": {"color": colour}}


def _finding(added: list[EstimateRow], random: list[EstimateRow], direction: str) -> str:
    best = max(added, key=lambda row: row.value or 0)
    words = (
        f"Adding {direction} without the trigger reaches {spread([best])} EM"
        f" at strength {strength(best):g}"
    )
    if not random:
        return words
    worst = max(random, key=lambda row: row.value or 0)
    return f"{words}; random directions at most {spread([worst])}"
