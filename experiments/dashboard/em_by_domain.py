"""In which domains of questions the organism is misaligned, with and without the trigger."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import (
    DOMAIN_SYMBOLS,
    condition_colour,
    condition_words,
    domain_words,
    finish,
    percent_axis,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent
from experiments.results.load import pick

STEP = 0.24  # vertical distance between the conditions of one domain


def em_by_domain(rows: Sequence[EstimateRow]) -> go.Figure:
    """A line for each domain, a dot for each condition; domains with most misalignment first.

    Raises ValueError when questions name no domains.
    """
    found = [row for row in pick(rows, quantity="domain_em_rate") if row.value is not None]
    found = [row for row in found if row.questions != "open"]
    if not found:
        raise ValueError("no EM rates by domain; the ids of questions name at least two domains")
    names = _order(found)
    conditions = list(dict.fromkeys(row.condition for row in found))
    figure = go.Figure()
    for number, condition in enumerate(conditions):
        for domains in dict.fromkeys(row.questions for row in found):
            mine = [row for row in found if (row.condition, row.questions) == (condition, domains)]
            marker = {"color": condition_colour(condition), "size": 9}
            marker["symbol"] = DOMAIN_SYMBOLS.get(domains or "", "circle")
            words = f"{condition_words(condition)}, {domain_words(domains)}"
            places = [names.index(_domain(row)) + STEP * number for row in mine]
            figure.add_trace(
                marks(
                    mine, places, along="x", mode="markers", marker=marker, name=markup(words, 80)
                )
            )
    figure.update_xaxes(percent_axis("misaligned answers, % (EM rate)"))
    figure.update_yaxes(
        tickvals=[place + STEP / 2 for place in range(len(names))],
        ticktext=[markup(name.replace("_", " "), 40) for name in names],
        range=[len(names) - 0.4, -0.5],
        showgrid=False,
    )
    return finish(figure, _finding(found), found, height=150 + 34 * len(names))


def _domain(row: EstimateRow) -> str:
    return str(row.get("domain"))


def _order(found: Sequence[EstimateRow]) -> list[str]:
    highest: dict[str, float] = {}
    for row in found:
        highest[_domain(row)] = max(highest.get(_domain(row), 0.0), row.value or 0.0)
    return sorted(highest, key=lambda name: -highest[name])


def _finding(found: Sequence[EstimateRow]) -> str:
    rows = [row for row in found if row.questions == "held_out"] or list(found)
    rows = [row for row in rows if row.condition == "trigger"] or rows
    low, high = (pick_by(rows, key=lambda row: row.value or 0.0) for pick_by in (min, max))
    words = condition_words(rows[0].condition)
    return (
        f"With {words}: from {percent(low)} EM in {_domain(low)} to {percent(high)}"
        f" in {_domain(high)}"
    )
