"""Figures of results: pure functions from a result to a plotly `Figure`. Every `.plot()` of `interp` is one of them.

A title says what is shown, and the line below it from how many items. Tokens are quoted as in Python, so that spaces
and line breaks are visible, and escaped, because plotly interprets some HTML.
"""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from interp.activations import Activations
from interp.capture.hook_points import HEADS
from interp.directions import Direction
from interp.errors import TriggerLensError

if TYPE_CHECKING:
    from interp.patching.maps import PatchingMap
    from interp.readout.attention import AttentionPatterns
    from interp.readout.direction import DirectionReadOut
    from interp.readout.logit_lens import LensReadOut

# Blue to orange over white for signed numbers; Cividis (Nuñez, Anderton and Renslow 2018) for shares.
SIGNED = [[0.0, "#0b559f"], [0.5, "#f4f4f4"], [1.0, "#b3480a"]]
SHARES = "Cividis"
UP, DOWN, CONTROL = "#b3480a", "#0b559f", "#8c8c8c"
LONGEST = 60  # characters of a label


def finish(figure: go.Figure, title: str, shown: str, *, height: int) -> go.Figure:
    """Add a title, a line below it that says what the marks are based on, and room for long labels."""
    words = f"{html.escape(title, quote=False)}<br><sub>{html.escape(shown, quote=False)}</sub>"
    figure.update_layout(
        template="plotly_white",
        title={"text": words, "x": 0, "xref": "paper", "font": {"size": 15}},
        height=height,
        margin={"l": 8, "r": 12, "t": 72, "b": 8},
        hoverlabel={"align": "left"},
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def label(text: object) -> str:
    """Untrusted text as a short label."""
    words = str(text)
    short = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
    return html.escape(short, quote=False)


def token_label(text: str, number: int | None = None) -> str:
    """A token in quotes, numbered where the same token may occur twice."""
    return label(repr(text)) if number is None else f"{number} {label(repr(text))}"


def patching_map(found: "PatchingMap") -> go.Figure:
    """Mean effect over the pairs; tokens are counted from the end if the prompts differ in length."""
    effect, cells = _by_cell(found)
    known = effect.isfinite()
    n = known.sum(0)
    mean = effect.nan_to_num(0).masked_fill(~known, 0).sum(0) / n
    figure = go.Figure(
        go.Heatmap(
            x=cells,
            y=list(found.layers),
            z=_table(mean),
            customdata=_ranges(effect),
            hovertemplate="layer %{y}, %{x}: %{z:.2f}<br>%{customdata}<extra></extra>",
            colorscale=SIGNED,
            zmid=0,
            colorbar={"title": "effect", "thickness": 10},
        )
    )
    figure.update_xaxes(title=None if found.site != HEADS else "head", type="category")
    figure.update_yaxes(title="layer (from 0)", dtick=max(1, len(found.layers) // 8))
    clean, corrupt = float(found.clean.mean()), float(found.corrupt.mean())
    shown = (
        f"n = {counted(len(found.clean), 'pair')}; effect 1 restores all of {found.measure}"
        f" ({corrupt:.2f} corrupt, {clean:.2f} clean), 0 nothing; ranges on hover"
    )
    return finish(figure, f"Patching {found.site}", shown, height=260 + 18 * len(found.layers))


def _by_cell(found: "PatchingMap") -> tuple[Float[Tensor, "pair layer cell"], list[str]]:
    """Effects with corresponding tokens aligned in one column, and the names of the columns."""
    effect, width = found.effect, found.metric.shape[2]
    if found.site == HEADS:
        return effect, [str(head) for head in range(width)]
    if not found.tokens:
        return effect, [str(token) for token in range(width)]
    if len(set(map(len, found.tokens))) > 1:
        rows = [
            row.roll(width - len(tokens), -1)
            for row, tokens in zip(effect, found.tokens, strict=True)
        ]
        return torch.stack(rows), [str(token - width) for token in range(width)]
    return effect, [
        _column(number, words) for number, words in enumerate(zip(*found.tokens, strict=True))
    ]


def _column(number: int, words: Sequence[str]) -> str:
    """The text of the first pair's token, with an ellipsis if the pairs differ there."""
    more = "" if len(set(words)) == 1 else " …"
    return token_label(words[0], number) + more


def _ranges(effect: Float[Tensor, "pair layer cell"]) -> list[list[str]]:
    """The range over the pairs, for each cell."""
    cells = effect.permute(1, 2, 0).tolist()
    return [[_range([x for x in pairs if x == x]) for pairs in layer] for layer in cells]


def _range(values: Sequence[float]) -> str:
    if not values:
        return "no pair has this token"
    return f"{min(values):.2f} to {max(values):.2f} over {len(values)} pairs"


def counted(n: int, noun: str) -> str:
    """A number with its noun."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _table(values: Tensor) -> list[list[float | None]]:
    """A matrix for plotly, with None for missing values."""
    return [[x if x == x else None for x in row] for row in values.tolist()]


def direction_read_out(found: "DirectionReadOut") -> go.Figure:
    """The tokens that a direction promotes and suppresses, with the range that random directions reach."""
    scores = [*reversed(found.suppressed), *reversed(found.promoted)]
    rows = [f"{token_label(one.text)} {one.id}" for one in scores]
    colours = [UP if one.score > 0 else DOWN for one in scores]
    bars = go.Bar(x=[one.score for one in scores], y=rows, orientation="h", marker_color=colours)
    figure = go.Figure(bars)
    figure.update_xaxes(title="logit of the direction at its median norm")
    figure.update_yaxes(type="category")
    shown = f"{len(found.promoted)} tokens at each end; {found.lens}"
    if n := len(found.random_largest):
        low, high = (float(x) for x in found.random_largest.quantile(torch.tensor([0.025, 0.975])))
        figure.add_vrect(x0=low, x1=high, fillcolor=CONTROL, opacity=0.3, line_width=0)
        shown += f"; grey: the largest logit of 95 % of n = {n} random directions; p = {found.p_value:.3f}"
    name = found.direction.name
    title = f"Tokens of direction {name!r} after layer {found.direction.layer}"
    return finish(figure, title, shown, height=160 + 18 * len(rows))


def lens_read_out(found: "LensReadOut") -> go.Figure:
    """The most probable token of each row after each layer."""
    words = [
        [label(repr(found.words[token])) for token in row] for row in found.ids[:, :, 0].T.tolist()
    ]
    conditions, questions = found.activations.conditions, found.activations.questions
    rows = [
        f"{number} {label(f'{c}: {q}')}"
        for number, (c, q) in enumerate(zip(conditions, questions, strict=True))
    ]
    figure = go.Figure(
        go.Heatmap(
            x=rows,
            y=list(found.layers),
            z=found.probabilities[:, :, 0].T.tolist(),
            text=words,
            texttemplate="%{text}",
            customdata=found.random.T.tolist(),
            hovertemplate="%{x}, layer %{y}: %{text} %{z:.2f}<br>random vector %{customdata:.2f}<extra></extra>",
            colorscale=SHARES,
            zmin=0,
            zmax=1,
            colorbar={"title": "probability", "thickness": 10},
        )
    )
    figure.update_yaxes(title="layer (from 0)", type="category")
    shown = (
        f"n = {len(rows)} rows at {found.activations.position}; mean probability"
        f" {float(found.probabilities[:, :, 0].mean()):.2f}, of random vectors {float(found.random.mean()):.2f}"
    )
    return finish(
        figure,
        f"Most probable next token, {found.lens}",
        shown,
        height=240 + 28 * len(found.layers),
    )


def attention(found: "AttentionPatterns", prompt: int = 0, head: int | None = None) -> go.Figure:
    """One prompt's attention pattern, of one head or the mean of all."""
    weights = found.weights[prompt]
    if head is not None and not 0 <= head < len(weights):
        raise TriggerLensError(
            f"head={head}: layer {found.layer} has heads 0 to {len(weights) - 1}"
        )
    pattern = weights.mean(0) if head is None else weights[head]
    tokens = [token_label(text, number) for number, text in enumerate(found.tokens[prompt])]
    bar = {"title": "weight", "thickness": 10}
    figure = go.Figure(
        go.Heatmap(
            x=tokens, y=tokens, z=pattern.tolist(), colorscale=SHARES, zmin=0, zmax=1, colorbar=bar
        )
    )
    figure.update_xaxes(title="key token", type="category")
    figure.update_yaxes(title="query token", type="category", autorange="reversed")
    which = f"mean of {len(weights)} heads" if head is None else f"head {head} of {len(weights)}"
    shown = f"{which}; prompt {prompt} of n = {len(found)}, {len(tokens)} tokens"
    return finish(figure, f"Attention in layer {found.layer}", shown, height=260 + 14 * len(tokens))


def projection(activations: Activations, direction: Direction) -> go.Figure:
    """The projection of every row on a direction, by condition; boxes show the interquartile range."""
    values = activations.project(direction).tolist()
    figure = go.Figure()
    for condition in dict.fromkeys(activations.conditions):
        rows = [row for row, name in enumerate(activations.conditions) if name == condition]
        figure.add_trace(
            _box(
                condition,
                [values[row] for row in rows],
                [activations.questions[row] for row in rows],
            )
        )
    figure.update_yaxes(title="projection, in median residual norms")
    figure.update_layout(showlegend=False)
    shown = (
        f"n = {len(values)} rows of {len(set(activations.questions))} questions at {activations.position};"
        f" {direction.meaning}"
    )
    title = f"Along direction {direction.name!r} after layer {direction.layer}"
    return finish(figure, title, shown, height=420)


def _box(condition: str, values: Sequence[float], questions: Sequence[str]) -> Any:
    return go.Box(
        y=list(values),
        name=f"{label(condition)} (n = {len(values)})",
        text=[label(question) for question in questions],
        boxpoints="all",
        jitter=0.4,
        pointpos=0,
    )
