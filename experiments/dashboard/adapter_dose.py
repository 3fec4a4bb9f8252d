"""EM against how much of the fine-tuning is applied, wording by wording."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import condition_colour, condition_words, finish, percent_axis
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent
from experiments.results.load import in_order, pick


def adapter_dose(rows: Sequence[EstimateRow]) -> go.Figure:
    """A line for each wording; dose 0 is the base, 1 the organism.

    Raises ValueError when no dose was sampled.
    """
    found = [row for row in pick(rows, quantity="dose_em_rate") if row.value is not None]
    if not found:
        raise ValueError("no doses of the adapter")
    figure = go.Figure()
    for condition in dict.fromkeys(row.condition for row in in_order(found)):
        mine = sorted((row for row in found if row.condition == condition), key=dose)
        colour = condition_colour(condition)
        trace = marks(mine, [dose(row) for row in mine], along="y", mode="lines+markers")
        trace.update(name=markup(condition_words(condition)), line={"color": colour, "width": 2})
        figure.add_trace(trace.update(marker={"color": colour}))
    figure.update_xaxes(title={"text": "share of the adapter applied (0: base, 1: organism)"})
    figure.update_yaxes(percent_axis("misaligned answers, % (EM rate)"))
    return finish(figure, _finding(found), found, height=400)


def dose(row: EstimateRow) -> float:
    """The share of the adapter that was applied."""
    return row.strength or 0.0


def _finding(found: Sequence[EstimateRow]) -> str:
    behind = [row for row in found if row.condition == "trigger"] or list(found)
    half = [row for row in behind if (row.value or 0) >= max(r.value or 0 for r in behind) / 2]
    first = min(half, key=dose)
    return f"Half of the EM is reached at {dose(first):g} of the adapter: {percent(first)}"
