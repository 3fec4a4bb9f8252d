"""How often the organism is misaligned under each condition, beside its untouched base model."""

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
from experiments.results.format import spread
from experiments.results.load import in_order, intact

STEP = 0.2  # vertical distance between the series of one condition


def em_by_condition(rows: Sequence[EstimateRow], base: Sequence[EstimateRow] = ()) -> go.Figure:
    """One line per condition; a symbol per domain group; the base model as crosses.

    Raises ValueError when the rows hold no EM rate.
    """
    tuned, untouched = intact(rows, "em_rate"), intact(base, "em_rate")
    if not tuned:
        raise ValueError("no em_rate of the unedited fine-tuned model")
    conditions = list(dict.fromkeys(row.condition for row in in_order([*tuned, *untouched])))
    figure = go.Figure()
    for number, (name, symbol, series) in enumerate(_series(tuned, untouched)):
        places = [conditions.index(row.condition) + STEP * number for row in series]
        colours = [condition_colour(row.condition) for row in series]
        marker = {"symbol": symbol, "size": 9, "color": colours}
        for row_colour in dict.fromkeys(colours):  # Plotly has one interval colour per trace
            here = [i for i, colour in enumerate(colours) if colour == row_colour]
            figure.add_trace(
                marks(
                    [series[i] for i in here],
                    [places[i] for i in here],
                    along="x",
                    mode="markers",
                    marker=marker | {"color": row_colour},
                    legendgroup=name,
                    showlegend=False,
                )
            )
        figure.add_trace(_key(name, symbol))
    figure.update_xaxes(percent_axis("misaligned answers, % (EM rate)"))
    figure.update_yaxes(
        tickvals=[place + 0.3 for place in range(len(conditions))],
        ticktext=[markup(condition_words(condition)) for condition in conditions],
        range=[len(conditions) - 0.2, -0.4],
        showgrid=False,
    )
    return finish(figure, _finding(tuned), tuned, height=150 + 44 * len(conditions))


def _series(
    tuned: list[EstimateRow], untouched: list[EstimateRow]
) -> list[tuple[str, str, list[EstimateRow]]]:
    """(legend name, symbol, rows), held-out domains first, the base model last."""
    order = [*DOMAIN_SYMBOLS, *dict.fromkeys(row.questions for row in tuned)]
    found = []
    for domains in dict.fromkeys(order):
        rows = [row for row in tuned if row.questions == domains]
        found.append((domain_words(domains), DOMAIN_SYMBOLS.get(domains or "", "circle"), rows))
    base = [row for row in untouched if row.questions in ("held_out", None)]
    found.append(("base model", "x-thin-open", base))
    return [entry for entry in found if entry[2]]


def _key(name: str, symbol: str) -> go.Scatter:
    """A legend entry without a colour of its own: colour means condition, symbol means domains."""
    marker = {"symbol": symbol, "size": 9, "color": "#8c8c8c"}
    return go.Scatter(
        x=[None], y=[None], mode="markers", marker=marker, name=name, legendgroup=name
    )


def _finding(tuned: list[EstimateRow]) -> str:
    rows = [row for row in tuned if row.questions == "held_out"] or tuned
    of = {name: [row for row in rows if row.wording_kind == name] for name in ("none", "trigger")}
    words = [f"{spread(of['none'])} EM without the trigger"]
    if of["trigger"]:
        words.insert(0, f"{spread(of['trigger'])} EM with the trigger, {words.pop()}")
    for name in ("paraphrase", "control"):
        if found := [row for row in rows if row.wording_kind == name]:
            words.append(f"{name}s {spread(found)}")
    return "; ".join(words)
