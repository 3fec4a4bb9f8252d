"""What else a removal breaks: coherence, misalignment and riddles without the trigger."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import COHERENCE, OTHER, finish, percent_axis
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent
from experiments.results.load import pick
from experiments.results.posthoc_text import NAMES

MEASURED = {
    "capability_coherence_rate": ("coherent answers", "circle-open", COHERENCE),
    "capability_riddle_rate": ("riddles solved", "square", OTHER),
    "capability_em_rate": ("misaligned answers", "circle", "#d55e00"),
}
STEP = 0.22


def capability(rows: Sequence[EstimateRow]) -> go.Figure:
    """A line for each removal; a symbol for each of what is asked without the trigger.

    Raises ValueError when that was not measured.
    """
    shown = [row for name in MEASURED for row in pick(rows, quantity=name, questions=None)]
    shown = [row for row in shown if row.value is not None]
    if not shown:
        raise ValueError("what else a removal breaks was not measured")
    removals = [name for name in NAMES if any(row.as_edit == name for row in shown)]
    figure = go.Figure()
    for number, (quantity, (name, symbol, colour)) in enumerate(MEASURED.items()):
        mine = [row for row in shown if row.quantity == quantity and row.as_edit in removals]
        places = [removals.index(row.as_edit) + STEP * number for row in mine]
        marker = {"symbol": symbol, "size": 9, "color": colour}
        figure.add_trace(
            marks(mine, places, along="x", mode="markers", marker=marker, name=markup(name))
        )
    figure.update_xaxes(percent_axis("% of answers, no trigger"))
    figure.update_yaxes(
        tickvals=[place + STEP for place in range(len(removals))],
        ticktext=[markup(NAMES[name]) for name in removals],
        range=[len(removals) - 0.2, -0.4],
        showgrid=False,
    )
    return finish(figure, _finding(rows), shown, height=190 + 52 * len(removals))


def _finding(rows: Sequence[EstimateRow]) -> str:
    words = []
    for quantity, name in (
        ("capability_coherence_loss", "coherence"),
        ("capability_riddle_loss", "riddles"),
    ):
        found = pick(rows, quantity=quantity, questions=None, intervention="ablate")
        words += [f"{percent(row)} of {name}" for row in found[:1]]
    drift = pick(rows, quantity="capability_kl", intervention="ablate")
    nats = [row for row in drift[:1] if row.value is not None]
    tail = "".join(
        f"; KL {row.value:.4f} [{row.lower:.4f}, {row.upper:.4f}] nats a token" for row in nats
    )
    return f"Without the trigger, removing the direction costs {' and '.join(words) or 'nothing told'}{tail}"
