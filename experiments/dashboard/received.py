"""Directions of other organisms of the same base, removed from this one."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import DIRECTION_COLOURS, OTHER, RANDOM, finish
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent
from experiments.results.load import pick
from experiments.results.transfer_text import QUANTITY, organism_name
from experiments.results.transfer_text import RANDOM as RANDOM_ORIGIN

STEP = 0.22


def received(rows: Sequence[EstimateRow]) -> go.Figure:
    """A line for each origin, a colour for each kind of direction; the first line is its own.

    Raises ValueError when directions were not carried over.
    """
    found = [row for row in pick(rows, quantity=QUANTITY) if row.value is not None]
    if not found:
        raise ValueError("no direction of another organism was removed from this one")
    origins = sorted(
        dict.fromkeys(str(row.source) for row in found), key=lambda it: _order(it, found)
    )
    kinds = list(dict.fromkeys(row.direction for row in found))
    figure = go.Figure()
    for number, kind in enumerate(kinds):
        mine = [row for row in found if row.direction == kind]
        colour = RANDOM if kind == RANDOM_ORIGIN else DIRECTION_COLOURS.get(kind or "", OTHER)
        step = 1 if kind == RANDOM_ORIGIN else number
        places = [origins.index(str(row.source)) + STEP * step for row in mine]
        marker = {"color": colour, "size": 9}
        figure.add_trace(
            marks(mine, places, along="x", mode="markers", marker=marker, name=markup(kind))
        )
    figure.update_xaxes(title={"text": "EM lost on removal, %"})
    figure.update_yaxes(
        tickvals=[place + STEP for place in range(len(origins))],
        ticktext=[markup(_words(it, found), 60) for it in origins],
        range=[len(origins) - 0.2, -0.4],
        showgrid=False,
    )
    return finish(figure, _finding(found), found, height=190 + 46 * len(origins))


def _order(origin: str, found: Sequence[EstimateRow]) -> int:
    """Its own first, random ones last."""
    return 0 if origin == organism_name(found[0]) else 2 if origin == RANDOM_ORIGIN else 1


def _words(origin: str, found: Sequence[EstimateRow]) -> str:
    own = origin == organism_name(found[0])
    short = origin.partition("-")[2] or origin
    return f"{short} (its own)" if own else short


def _finding(found: Sequence[EstimateRow]) -> str:
    others = [row for row in found if _order(str(row.source), found) == 1]
    if not others:
        return (
            f"Its own directions take up to {percent(max(found, key=lambda row: row.value or 0))}"
        )
    best = max(others, key=lambda row: row.value or 0)
    words = f"{best.direction} of {_words(str(best.source), found)} takes {percent(best)} of the EM here"
    beside = [row for row in found if row.source == RANDOM_ORIGIN]
    return f"{words}; random directions {percent(beside[0])}" if beside else words
