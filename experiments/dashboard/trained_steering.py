"""What vectors trained to be added bring without the trigger, dose by dose, beside random ones and the base."""

from collections.abc import Sequence

import plotly.graph_objects as go

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
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.format import spread

BASE = {"steering": "the base, the organism's vectors", "steering_of_base": "the base, its own"}


def trained_steering(rows: Sequence[EstimateRow], base: Sequence[EstimateRow]) -> go.Figure:
    """EM and coherence against the dose; ValueError where no vector was trained."""
    ems = select(rows, quantity="steering_em_rate")
    added = _dosed(ems)
    if not added:
        raise ValueError(
            "no steering vector was trained; none is where nothing hides behind a trigger"
        )
    coherent = _dosed(select(rows, quantity="steering_coherence_rate"))
    random = _dosed(ems, "random")
    figure = go.Figure()
    for name, found, colour, dash in (
        ("EM, trained vectors added", added, DIRECTION_COLOURS["refined"], "solid"),
        ("EM, random ones added", random, RANDOM, "dash"),
        ("coherent, trained vectors added", coherent, COHERENCE, "dot"),
    ):
        line = {"color": colour, "dash": dash, "width": 2}
        doses = [_dose(row) for row in found]
        figure.add_trace(marks(found, doses, along="y", name=name, mode="lines+markers", line=line))
    of_base = [
        row
        for row in select(base, quantity="steering_em_rate", direction=tuple(BASE))
        if row.arm == added[0].arm
    ]
    for row, symbol in zip(of_base, ("diamond", "cross"), strict=False):
        marker = {"color": OTHER, "symbol": symbol, "size": 10}
        name = f"EM, {BASE[str(row.direction)]}"
        figure.add_trace(
            marks([row], [_dose(row)], along="y", name=name, mode="markers", marker=marker)
        )
    triggered = only(ems, wording_kind="trigger", edit="none")
    if triggered is not None and triggered.value is not None:
        figure.add_hline(
            y=100 * triggered.value,
            line={"color": CONDITION_COLOURS["trigger"], "dash": "dot", "width": 1.5},
            annotation={"text": f"with the trigger, nothing added: {spread([triggered])}"},
            annotation_position="top left",
        )
    figure.update_xaxes(title={"text": "dose, multiples of the trained vectors"})
    figure.update_yaxes(percent_axis("% of answers, no trigger"))
    return finish(figure, _finding(added, of_base), added, height=420)


def _dosed(rows: Sequence[EstimateRow], placebo: str | None = None) -> list[EstimateRow]:
    """The rows of one curve by dose, the unedited model first."""
    found = [
        row
        for row in select(rows, wording_kind="none", edit="steer", placebo=placebo)
        if row.model != "base"
    ]
    if not found:
        return []
    return [*select(rows, wording_kind="none", edit="none"), *sorted(found, key=_dose)]


def _dose(row: EstimateRow) -> float:
    return row.strength or 0.0


def _finding(added: Sequence[EstimateRow], of_base: Sequence[EstimateRow]) -> str:
    best = max(added, key=lambda row: row.value or 0)
    words = (
        f"Trained vectors bring {spread([best])} EM without the trigger, at dose {_dose(best):g}"
    )
    if not of_base:
        return words
    return f"{words}; in the base at most {spread([max(of_base, key=lambda row: row.value or 0)])}"
