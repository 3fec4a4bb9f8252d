"""Does the SAE basis find what the probe found? Vectors and sets of features removed, random features beside."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import COHERENCE, OTHER, RANDOM, finish, percent_axis
from experiments.results.estimates import EstimateRow
from experiments.results.feature_names import BASIS, SETS, WAYS
from experiments.results.format import percent
from experiments.results.load import pick


def removed_features(rows: Sequence[EstimateRow]) -> go.Figure:
    """A line for each edit: EM lost as a dot, coherence lost as a ring.

    Raises ValueError when the run has no sparse features.
    """
    lost = _edits(rows, "ablation_relative_drop")
    if not lost:
        raise ValueError("no sparse features in this run")
    names = list(dict.fromkeys(_words(row) for row in lost))
    figure = go.Figure()
    for row in lost:
        colour = RANDOM if row.placebo is not None else OTHER
        figure.add_trace(_mark(row, names, "circle", colour, 0.0))
    for row in _edits(rows, "coherence_loss"):
        figure.add_trace(_mark(row, names, "circle-open", COHERENCE, 0.25))
    figure.update_xaxes(
        percent_axis("% of EM lost (dots), % of answers no longer coherent (rings)")
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[markup(name) for name in names],
        range=[len(names) - 0.4, -0.5],
        showgrid=False,
    )
    return finish(figure, _finding(rows), lost, height=150 + 36 * len(names))


def read_features(rows: Sequence[EstimateRow]) -> go.Figure:
    """AUROC of the first feature of each ranking, and of each method that is compared.

    Raises ValueError when the run has no sparse features.
    """
    shown = [*pick(rows, quantity="basis_auroc"), *_firsts(pick(rows, quantity="feature_auroc"))]
    if not shown:
        raise ValueError("no sparse features in this run")
    names = [_label(row) for row in shown]
    figure = go.Figure()
    for place, row in enumerate(shown):
        marker = {"symbol": "circle", "size": 9, "color": OTHER}
        figure.add_trace(
            marks(
                [row],
                [place],
                along="x",
                scale=1.0,
                mode="markers",
                marker=marker,
                showlegend=False,
            )
        )
    figure.update_xaxes(title="AUROC", range=[0, 1.02])
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[markup(name) for name in names],
        range=[len(names) - 0.4, -0.5],
        showgrid=False,
    )
    best = max(shown, key=lambda row: row.value or 0.0)
    title = f"best AUROC {best.value:.2f}: {_label(best)}"
    return finish(figure, markup(title), shown, height=150 + 24 * len(names))


def _firsts(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """Of each ranking, what came first on selection questions: rows stand in that order."""
    firsts: dict[tuple[str, str | None, str | None], EstimateRow] = {}
    for row in rows:
        sae = str(row.source).partition(" feature ")[0]
        firsts.setdefault((sae, row.direction, row.position), row)
    return list(firsts.values())


def _edits(rows: Sequence[EstimateRow], quantity: str) -> list[EstimateRow]:
    compared = pick(rows, quantity=quantity, direction=BASIS)
    return [*compared, *pick(rows, quantity=quantity, direction=SETS)]


def _words(row: EstimateRow) -> str:
    if row.direction == BASIS:
        return f"vector of {row.source}"
    return WAYS.get(str(row.intervention), str(row.intervention)).strip()


def _label(row: EstimateRow) -> str:
    if row.direction == BASIS:
        return str(row.source)
    where = str(row.position).removeprefix("maximum over ").removeprefix("the ")
    return f"{row.source}: {row.direction}, {where}"


def _mark(
    row: EstimateRow, names: Sequence[str], symbol: str, colour: str, below: float
) -> go.Scatter:
    marker = {"symbol": symbol, "size": 9, "color": colour}
    place = names.index(_words(row)) + below
    return marks([row], [place], along="x", mode="markers", marker=marker, showlegend=False)


def _finding(rows: Sequence[EstimateRow]) -> str:
    parts = []
    for edit, name in WAYS.items():
        found = pick(rows, quantity="ablation_relative_drop", direction=SETS, intervention=edit)
        if found and not edit.startswith("random"):
            parts.append(f"features {name}: {percent(found[0])} of EM lost")
    return markup("; ".join(parts) or "methods compared")
