"""Where directions are read, and where prompts lie along them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.interval_plot import interval_plot
from experiments.dashboard.marks import Series
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import measured
from experiments.dashboard.run_files import Plane, Projection, part
from experiments.dashboard.scatter import scatter
from experiments.dashboard.theme import (
    RANDOM,
    condition_colour,
    condition_symbol,
    condition_words,
    finish,
    ordered,
    row_colour,
    row_words,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import decimal
from experiments.results.load import OrganismResults
from experiments.results.picked import highest
from probes.names import CONTROLS

COLOURS = ("#009e73", "#d55e00", "#3a8fd0", "#cc79a7", "#e69f00", "#56b4e9")
NO_LAYER = -1.0  # position of a read-out of the text alone
BINS, TALL = 28, 0.72  # bars of a histogram, and the height of the tallest as a share of a line
Lines = dict[tuple[str, str, str], list[EstimateRow]]


def probe_by_layer(results: OrganismResults, direction: str) -> go.Figure | Missing:
    """AUROC against layer: a line for each source and position, controls dashed and grey."""
    rows = [
        row
        for row in measured(results.rows, direction=direction)
        if row.quantity.startswith("probe_auroc")
    ]
    if not rows:
        return Missing(f"no probe_auroc by layer for the {direction} direction")
    lines: Lines = {}
    for row in sorted(rows, key=_place):
        lines.setdefault((row.quantity, row.source or "probe", row.position or ""), []).append(row)
    places = sorted({_place(row) for row in rows})
    ticks = ["text" if place == NO_LAYER else f"{place:.0f}" for place in places]
    title = {"text": "layer (output of decoder layer, from 0)"}
    figure = scatter(
        _probes(lines),
        _place,
        {"title": title, "tickvals": places, "ticktext": ticks},
        {"title": {"text": "AUROC, questions held out"}, "range": [0, 1.03]},
        scale=1,
        finding=_read_best(rows, direction),
        shown=rows,
        height=380 + 20 * len(lines),
    )
    return figure.add_hline(y=0.5, line={"dash": "dot", "width": 1, "color": RANDOM})


def _place(row: EstimateRow) -> float:
    return NO_LAYER if row.layer is None else float(row.layer)


def is_control(row: EstimateRow) -> bool:
    """Whether this read-out should fail: its source names one of the probes' controls."""
    return any(control in (row.source or "") for control in CONTROLS)


def _probes(lines: Lines) -> list[Series]:
    positions = {position for _, _, position in lines}
    series, colours = [], iter(COLOURS * (1 + len(lines) // len(COLOURS)))
    for (quantity, source, position), rows in lines.items():
        extra = quantity.removeprefix("probe_auroc").strip("_")
        parts = (source, position if len(positions) > 1 else "", extra)
        name = ", ".join(words.replace("_", " ") for words in parts if words)
        control = is_control(rows[0])
        colour, dash = (RANDOM, "dash") if control else (next(colours), "solid")
        series.append(Series(rows, colour, name=name, dash=dash))
    return series


def _read_best(rows: Sequence[EstimateRow], direction: str) -> str:
    real = [row for row in rows if not is_control(row)]
    controls = [row.value or 0.0 for row in rows if is_control(row)]
    if not real:
        return f"{direction}: only controls were read out"
    best = highest(real)
    position = f", {best.position.replace('_', ' ')}" if best.position else ""
    words = f"{direction}: read best at layer {best.layer}{position}, AUROC {decimal(best.value)}"
    return f"{words}; controls reach {max(controls):.2f}" if controls else words


def projection(results: OrganismResults, direction: str) -> go.Figure | Missing:
    """A histogram for each condition above its mean projection with its interval."""
    drawn = part(results, "projections", list[Projection])
    if isinstance(drawn, Missing):
        return drawn
    of = next((of for of in drawn if of.direction == direction), None)
    if of is None:
        return Missing(f"no {direction} direction was located")
    conditions = ordered(of.values)
    rows = [
        row
        for row in measured(results.rows, quantity="projection", direction=direction)
        if row.condition in of.values
    ]
    number = max(map(len, of.values.values()))
    figure = interval_plot(
        [Series(rows, row_colour, "diamond")],
        row_words,
        {"title": {"text": f"at layer {of.layer}, in median residual norms"}},
        labels=[condition_words(name) for name in conditions],
        scale=1,
        finding=_means(rows, direction),
        shown=f"n = {number} prompts a condition; diamond: mean and interval",
    )
    edges = np.histogram_bin_edges(np.concatenate(list(of.values.values())), BINS)
    for line, name in enumerate(conditions):
        figure.add_trace(_histogram(of.values[name], edges, line, name))
    figure.update_yaxes(range=[len(conditions) - 0.5, -1.0])
    return figure.update_layout(barmode="overlay", bargap=0, height=150 + 44 * len(conditions))


def _histogram(values: Sequence[float], edges: np.ndarray, line: int, name: str) -> go.Bar:
    counts, _ = np.histogram(values, edges)
    width = float(edges[1] - edges[0])
    words, total = condition_words(name), len(values)
    hover = [
        markup(f"{words}: {n} of {total} prompts from {low:.3g} to {low + width:.3g}")
        for n, low in zip(counts, edges, strict=False)
    ]
    look: dict[str, Any] = {"marker": {"color": condition_colour(name), "opacity": 0.55}}
    return go.Bar(
        x=(edges[:-1] + width / 2).tolist(),
        y=(-TALL * counts / max(1, counts.max())).tolist(),
        base=[line] * len(counts),
        width=width,
        text=hover,
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        name=markup(words),
        **look,
    )


def _means(rows: Sequence[EstimateRow], direction: str) -> str:
    words = [
        f"{row_words(row)} {decimal(row.value, row.lower, row.upper)}"
        for kind in ("trigger", "none")
        for row in rows
        if row.wording_kind == kind
    ]
    for kind in ("paraphrase", "control"):
        numbers = [row.value or 0.0 for row in rows if row.wording_kind == kind]
        if numbers:
            words.append(f"{kind}s {min(numbers):.2f} to {max(numbers):.2f}")
    return f"Mean projection on {direction}: {', '.join(words) or 'not estimated'}"


def plane(results: OrganismResults) -> go.Figure | Missing:
    """A dot for each prompt at its first two principal components; colour: kind of condition."""
    drawn = part(results, "plane", Plane)
    if isinstance(drawn, Missing):
        return drawn
    figure = go.Figure()
    for name in ordered(drawn.points):
        points = drawn.points[name]
        look = {"color": condition_colour(name), "symbol": condition_symbol(name, list(drawn.points))}  # fmt: skip
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            mode="markers",
            name=markup(condition_words(name)),
            text=[markup(name)] * len(points),
            hovertemplate="%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
            marker=look | {"size": 6, "opacity": 0.7},
        )
    first, second = (f"component {number} ({100 * share:.0f} % of variance)"
                     for number, share in enumerate(drawn.shares, start=1))  # fmt: skip
    figure.update_xaxes(title={"text": first}).update_yaxes(title={"text": second})
    number = sum(map(len, drawn.points.values()))
    finding = (
        f"Two components explain {100 * sum(drawn.shares):.0f} % of the variance of prompts"
        f" at layer {drawn.layer}"
    )
    return finish(
        figure,
        finding,
        f"n = {number} prompts, last prompt token",
        height=420 + 12 * len(drawn.points),
    )
