"""Whether removing the direction also removes the misalignment that other wordings bring."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import (
    DIRECTION_COLOURS,
    OTHER,
    condition_colour,
    condition_words,
    finish,
    percent_axis,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import spread
from experiments.results.load import in_order, intact, pick

STEP = 0.2


def removal_by_wording(rows: Sequence[EstimateRow]) -> go.Figure:
    """EM under each wording: nothing removed (dot in the condition's colour), each direction removed (diamond).

    Raises ValueError when removal was tried under one wording only.
    """
    cut = [
        row
        for row in pick(rows, quantity="em_rate", intervention="ablate", questions="held_out")
        if row.value is not None and row.condition != "none"
    ]
    conditions = list(dict.fromkeys(row.condition for row in in_order(cut)))
    if len(conditions) < 2:
        raise ValueError("removal was measured under the trigger alone, not under its paraphrases")
    before = intact(rows, "em_rate", questions="held_out")
    before = [row for row in before if row.condition in conditions]
    directions = list(dict.fromkeys(row.direction for row in cut))
    figure = go.Figure()
    for row in before:
        marker = {"color": condition_colour(row.condition), "size": 9}
        place = conditions.index(row.condition)
        figure.add_trace(
            marks([row], [place], along="x", mode="markers", marker=marker, showlegend=False)
        )
    for number, direction in enumerate(directions, start=1):
        mine = [row for row in cut if row.direction == direction]
        colour = DIRECTION_COLOURS.get(direction or "", OTHER)
        figure.add_trace(
            marks(
                mine,
                [conditions.index(row.condition) + STEP * number for row in mine],
                along="x",
                mode="markers",
                marker={"color": colour, "size": 9, "symbol": "diamond-open"},
                name=markup(f"{direction} removed"),
            )
        )
    figure.update_xaxes(percent_axis("misaligned answers, % (EM rate)"))
    figure.update_yaxes(
        tickvals=[place + STEP for place in range(len(conditions))],
        ticktext=[markup(condition_words(name)) for name in conditions],
        range=[len(conditions) - 0.1, -0.4],
        showgrid=False,
    )
    return finish(figure, _finding(cut), [*before, *cut], height=170 + 52 * len(conditions))


def _finding(cut: Sequence[EstimateRow]) -> str:
    left = {
        direction: [row for row in cut if row.direction == direction]
        for direction in dict.fromkeys(row.direction for row in cut)
    }
    best = min(left, key=lambda name: max(row.value or 0.0 for row in left[name]))
    return f"With {best} removed, {spread(left[best])} EM is left under the trigger and its paraphrases"
