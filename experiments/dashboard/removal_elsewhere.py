"""What removing a direction takes away here, and where the trigger plays no part.

A direction whose removal spares the baseline arm and the base model's own reckless persona is local to
this organism or its context; one whose removal silences all three is of misbehaviour in general.
"""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import DIRECTION_COLOURS, OTHER, RANDOM, finish
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent
from experiments.results.load import pick

PLACES = {
    ("ablation_relative_drop", "ablate"): "this organism",
    ("ablation_relative_drop", "random_ablate"): "this organism, random",
    ("baseline_arm_relative_drop", "ablate"): "baseline arm",
    ("persona_relative_drop", "ablate"): "base model's persona",
}


def removal_elsewhere(
    rows: Sequence[EstimateRow], base: Sequence[EstimateRow] = (), condition: str = "trigger"
) -> go.Figure:
    """A line per direction and place: the relative drop of EM.

    Raises ValueError when no relative drop was measured.
    """
    found = _drops([*rows, *base], condition)
    if not found:
        raise ValueError("no relative drop of EM was measured")
    figure = go.Figure()
    for place, row in enumerate(found):
        random = row.placebo is not None
        colour = RANDOM if random else DIRECTION_COLOURS.get(row.direction or "", OTHER)
        marker = {"color": colour, "size": 9}
        figure.add_trace(
            marks([row], [place], along="x", mode="markers", marker=marker, showlegend=False)
        )
    figure.update_xaxes(title={"text": "EM lost on removal, %"})
    figure.update_yaxes(
        tickvals=list(range(len(found))),
        ticktext=[markup(_words(row)) for row in found],
        range=[len(found) - 0.5, -0.5],
        showgrid=False,
    )
    return finish(figure, _finding(found), found, height=150 + 30 * len(found))


def _drops(rows: Sequence[EstimateRow], condition: str) -> list[EstimateRow]:
    """Direction by direction, in the order of `PLACES`; where nothing was to lose, no row."""
    found = [row for row in pick(rows) if row.value is not None and _key(row) in PLACES]
    found = [row for row in found if row.condition in (condition, None)]
    order = list(PLACES)
    return sorted(found, key=lambda row: (row.direction or "", order.index(_key(row))))


def _key(row: EstimateRow) -> tuple[str, str]:
    return row.quantity, row.intervention or ""


def _words(row: EstimateRow) -> str:
    return f"{row.direction or 'direction'}: {PLACES[_key(row)]}"


def _finding(found: Sequence[EstimateRow]) -> str:
    here = [row for row in found if _key(row) == ("ablation_relative_drop", "ablate")]
    best = max(here or found, key=lambda row: row.value or 0)
    beside = [row for row in found if row.direction == best.direction and row is not best]
    beside = [row for row in beside if row.placebo is None]
    words = f"Removing {_words(best)} loses {percent(best)} of its EM"
    return "; ".join([words, *(f"{PLACES[_key(row)]} {percent(row)}" for row in beside)])
