"""Trained on one wording, read on every other: what a probe at the switch's layer calls positive."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import hover
from experiments.dashboard.theme import SHARES, colour_bar, condition_words, finish
from experiments.results.estimates import EstimateRow
from experiments.results.format import spread
from experiments.results.load import in_order, line_of, pick


def transfer(rows: Sequence[EstimateRow]) -> go.Figure:
    """Contrasts down, wordings across; the share of held-out prompts on the positive side.

    Raises ValueError when no probe was carried over.
    """
    found = [row for row in pick(rows, quantity="transfer_fires") if row.value is not None]
    if not found:
        raise ValueError("no probe was tested on other wordings (transfer_fires)")
    contrasts = list(dict.fromkeys(str(row.get("contrast")) for row in found))
    conditions = list(dict.fromkeys(row.condition for row in in_order(found)))
    cells = {(str(row.get("contrast")), row.condition): row for row in found}
    table = [[cells.get((contrast, name)) for name in conditions] for contrast in contrasts]
    figure = go.Figure(
        go.Heatmap(
            x=[markup(condition_words(name)) for name in conditions],
            y=[markup(_words(contrast), 80) for contrast in contrasts],
            z=[[None if row is None else 100 * (row.value or 0) for row in line] for line in table],
            text=[["" if row is None else hover(row) for row in line] for line in table],
            customdata=[[None if row is None else line_of(row) for row in line] for line in table],
            hovertemplate="%{text}<extra></extra>",
            texttemplate="",
            colorscale=SHARES,
            zmin=0,
            zmax=100,
            xgap=1,
            ygap=1,
            colorbar=colour_bar("fires, %"),
        )
    )
    figure.update_xaxes(
        type="category", showgrid=False, tickangle=-90, dtick=1, title={"text": "read on"}
    )
    figure.update_yaxes(
        type="category", showgrid=False, autorange="reversed", title={"text": "trained on"}
    )
    return finish(figure, _finding(cells), found, height=280 + 26 * len(contrasts))


def _words(contrast: str) -> str:
    return " against ".join(
        name.partition(":")[2].replace("_", " ") or name for name in contrast.split(" against ")
    )


def _finding(cells: dict[tuple[str, str | None], EstimateRow]) -> str:
    """The trigger against its nearest control, or against nothing, on wordings it has not seen."""
    controls = [c for c, _ in cells if c.startswith("trigger against control:")]
    contrast = controls[0] if controls else next(iter(cells))[0]
    read = {name: row for (of, name), row in cells.items() if of == contrast}
    parts = []
    for kind in ("paraphrase", "control"):
        mine = [row for row in read.values() if row.wording_kind == kind]
        if mine:
            parts.append(f"on {spread(mine)} of {kind}s")
    return f"A probe of {_words(contrast)} fires {', '.join(parts) or 'as shown'}"
