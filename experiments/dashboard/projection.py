"""How far prompts lie along a located direction, condition by condition, as histograms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.maps import part
from experiments.dashboard.points import marks
from experiments.dashboard.theme import condition_colour, condition_words, finish, ordered
from experiments.results.estimates import EstimateRow
from experiments.results.load import OrganismResults, pick

BINS = 28
TALL = 0.72  # of the room of a condition


def projection(results: OrganismResults, direction: str) -> go.Figure:
    """A histogram for each condition above its mean projection with its interval.

    Raises ValueError when prompts were not projected on this direction.
    """
    drawn = next(
        (it for it in part(results, "projections") if it.get("direction") == direction), None
    )
    if drawn is None:
        raise ValueError(f"no {direction} direction was located")
    values: dict[str, list[float]] = drawn["values"]
    conditions = ordered(values)
    rows = [
        row
        for row in pick(results.rows, quantity="projection", direction=direction)
        if row.condition in values
    ]
    edges = np.histogram_bin_edges(np.concatenate([values[name] for name in conditions]), BINS)
    figure = go.Figure()
    for place, name in enumerate(conditions):
        figure.add_trace(_histogram(values[name], edges, place, name))
        mine = [row for row in rows if row.condition == name]
        marker = {"color": condition_colour(name), "size": 9, "symbol": "diamond"}
        figure.add_trace(
            marks(
                mine,
                [place] * len(mine),
                along="x",
                scale=1,
                mode="markers",
                marker=marker,
                showlegend=False,
            )
        )
    unit = f"at layer {drawn['layer']}, in median residual norms"
    figure.update_xaxes(title={"text": markup(unit)})
    figure.update_yaxes(
        tickvals=list(range(len(conditions))),
        ticktext=[markup(condition_words(name)) for name in conditions],
        range=[len(conditions) - 0.5, -1.0],
        showgrid=False,
    )
    figure.update_layout(barmode="overlay", bargap=0)
    count = f"n = {max(map(len, values.values()))} prompts a condition; diamond: mean and interval"
    return finish(figure, _finding(rows, direction), count, height=150 + 44 * len(conditions))


def _histogram(values: Sequence[float], edges: np.ndarray, place: int, name: str) -> go.Bar:
    counts, _ = np.histogram(values, edges)
    tallest = max(1, counts.max())
    width = float(edges[1] - edges[0])
    hover = [
        markup(
            f"{condition_words(name)}: {n} of {len(values)} prompts from {low:.3g} to {low + width:.3g}"
        )
        for n, low in zip(counts, edges, strict=False)
    ]
    settings: dict[str, Any] = {"marker": {"color": condition_colour(name), "opacity": 0.55}}
    return go.Bar(
        x=(edges[:-1] + width / 2).tolist(),
        y=(-TALL * counts / tallest).tolist(),
        base=[place] * len(counts),
        width=width,
        text=hover,
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        name=markup(name),
        **settings,
    )


def _finding(rows: Sequence[EstimateRow], direction: str) -> str:
    means = {row.condition: row for row in rows}
    words = [
        f"{condition_words(name)} {_number(means[name])}"
        for name in ("trigger", "none")
        if name in means
    ]
    for each in ("paraphrase", "control"):
        found = [row.value for name, row in means.items() if (name or "").startswith(f"{each}:")]
        numbers = [value for value in found if value is not None]
        if numbers:
            words.append(f"{each}s {min(numbers):.2f} to {max(numbers):.2f}")
    return f"Mean projection on {direction}: {', '.join(words) or 'not estimated'}"


def _number(row: EstimateRow) -> str:
    if row.value is None or row.lower is None or row.upper is None:
        return "n/a" if row.value is None else f"{row.value:.2f}"
    return f"{row.value:.2f} [{row.lower:.2f}, {row.upper:.2f}]"
