"""How well a probe reads the concept at each layer, beside probes that should not be able to."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.theme import finish
from experiments.results.estimates import EstimateRow
from experiments.results.load import pick
from probes.names import CONTROLS

COLOURS = ("#009e73", "#d55e00", "#3a8fd0", "#cc79a7", "#e69f00", "#56b4e9")
NO_LAYER = -1.0  # where a read-out of the text alone is drawn


def probe_by_layer(rows: Sequence[EstimateRow], direction: str) -> go.Figure:
    """AUROC against layer: a line per (source, position), controls dashed and grey.

    Raises ValueError when the rows hold no probe of this direction.
    """
    found = [
        row for row in pick(rows, direction=direction) if row.quantity.startswith("probe_auroc")
    ]
    found = [row for row in found if row.value is not None]
    if not found:
        raise ValueError(f"no probe_auroc by layer for the {direction} direction")
    figure = go.Figure()
    series: dict[tuple[str, str, str], list[EstimateRow]] = {}
    for row in found:
        key = (row.quantity, row.source or "probe", row.position or "")
        series.setdefault(key, []).append(row)
    where = {position for _, _, position in series}
    colours = iter(COLOURS * (1 + len(series) // len(COLOURS)))
    for key, line in series.items():
        line.sort(key=_place)
        style = _control_style() if is_control(line[0]) else _style(next(colours))
        layers = [_place(row) for row in line]
        figure.add_trace(marks(line, layers, along="y", scale=1, name=_name(key, where), **style))
    figure.add_hline(y=0.5, line={"dash": "dot", "width": 1, "color": "#8c8c8c"})
    figure.update_xaxes(title={"text": "layer (output of decoder layer, from 0)"}, **_ticks(found))
    figure.update_yaxes(title={"text": "AUROC, questions held out"}, range=[0, 1.03])
    return finish(figure, _finding(found, direction), found, height=380 + 20 * len(series))


def _place(row: EstimateRow) -> float:
    return NO_LAYER if row.layer is None else float(row.layer)


def _ticks(found: Sequence[EstimateRow]) -> dict[str, Any]:
    places = sorted({_place(row) for row in found})
    words = ["text" if place == NO_LAYER else f"{place:.0f}" for place in places]
    return {"tickvals": places, "ticktext": words}


def is_control(row: EstimateRow) -> bool:
    """Whether this read-out should fail: its source names one of the probes' controls."""
    return any(control in (row.source or "") for control in CONTROLS)


def _name(key: tuple[str, str, str], where: set[str]) -> str:
    """What tells the lines apart: the position only where there are several."""
    quantity, source, position = (part.replace("_", " ") for part in key)
    extra = quantity.removeprefix("probe auroc").strip()
    place = position if len(where) > 1 else ""
    return markup(", ".join(part for part in (source, place, extra) if part), 60)


def _style(colour: str) -> dict[str, Any]:
    return {"mode": "lines+markers", "line": {"color": colour, "width": 2}}


def _control_style() -> dict[str, Any]:
    return {"mode": "lines+markers", "line": {"color": "#8c8c8c", "width": 1.5, "dash": "dash"}}


def _finding(found: list[EstimateRow], direction: str) -> str:
    real = [row for row in found if not is_control(row)]
    controls = [row for row in found if is_control(row)]
    if not real:
        return f"{direction}: only controls were read out"
    best = max(real, key=lambda row: row.value or 0)
    where = f"layer {best.layer}" + (
        f", {best.position.replace('_', ' ')}" if best.position else ""
    )
    words = f"{direction}: read best at {where}, AUROC {best.value:.2f}"
    if not controls:
        return words
    return f"{words}; controls reach {max(row.value or 0 for row in controls):.2f}"
