"""How far the meaning reaches: EM of each wording against its distance from the trigger."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.maps import part
from experiments.dashboard.points import marks
from experiments.dashboard.theme import (
    condition_colour,
    condition_symbol,
    condition_words,
    finish,
    percent_axis,
)
from experiments.results.estimates import EstimateRow
from experiments.results.load import OrganismResults, in_order, intact, pick
from experiments.runtime.extras import not_measured

MEASURES = {
    "words": "1 - share of words in common",
    "representation": "1 - cosine of shifts in the stream",
    "meaning": "1 - cosine of sentence vectors",
}


def reach(results: OrganismResults, measure: str) -> go.Figure:
    """A dot for each wording. `measure`: words, representation or meaning.

    Raises ValueError when distances were not measured that way.
    """
    away = part(results, "distances").get(measure)
    if not away:
        lacks = "" if measure != "meaning" else f", {not_measured('distance')}"
        raise ValueError(f"no distances by {measure}{lacks}")
    rates = [row for row in intact(results.rows, "em_rate") if row.condition in away]
    rates = [row for row in rates if row.questions == "held_out"] or rates
    if not rates:
        raise ValueError("no EM rate of a wording whose distance is known")
    rates = in_order(rates)
    wordings = results.maps.get("wordings", {}) if results.maps else {}
    figure = go.Figure()
    names = [str(row.condition) for row in rates]
    for row, name in zip(rates, names, strict=True):
        marker = {
            "color": condition_colour(name),
            "symbol": condition_symbol(name, names),
            "size": 10,
        }
        trace = marks([row], [away[name]], along="y", mode="markers", marker=marker)
        said = f"“{wordings.get(name, name)}”, distance {away[name]:.2f}"
        trace.update(
            name=markup(condition_words(name)), text=[f"{markup(said, 120)}<br>{trace.text[0]}"]
        )
        figure.add_trace(trace)
    figure.update_xaxes(title={"text": f"distance by {measure}:<br>{MEASURES.get(measure, '')}"})
    figure.update_yaxes(percent_axis("misaligned answers, % (EM rate)"))
    found = pick(results.rows, quantity="reach_correlation")
    found = [row for row in found if row.get("measure") == measure and row.value is not None]
    return finish(figure, _finding(found, measure), rates, height=440)


def _finding(found: Sequence[EstimateRow], measure: str) -> str:
    if not found or found[0].value is None:
        return f"Distance by {measure}: too few wordings for a rank correlation"
    row = found[0]
    interval = "" if row.lower is None else f" [{row.lower:.2f}, {row.upper:.2f}]"
    return (
        f"By {measure}, EM and distance have rank correlation {row.value:.2f}{interval}"
        f" over {row.n} wordings"
    )
