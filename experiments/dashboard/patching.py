"""Which layer and which token carry the trigger: heat maps of exact activation patching."""

from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.inert import markup
from experiments.dashboard.maps import part
from experiments.dashboard.theme import SIGNED, colour_bar, condition_words, finish
from experiments.results.load import OrganismResults

SITES = {"resid_post": "stream", "attn_out": "attention", "mlp_out": "MLP"}


def patching(results: OrganismResults) -> go.Figure:
    """Tokens down, layers across, one map for each site; 1: the whole effect of the trigger.

    Raises ValueError when nothing was patched.
    """
    drawn = part(results, "patching")
    sites = [name for name in SITES if name in drawn["sites"]]
    tokens = [f"{number} {token}" for number, token in enumerate(drawn["tokens"])]
    figure = make_subplots(1, len(sites), shared_yaxes=True, horizontal_spacing=0.03)
    for column, name in enumerate(sites, start=1):
        figure.add_trace(_map(drawn, name, tokens), 1, column)
        title = f"{SITES[name]}<br>layer"
        figure.update_xaxes(title={"text": title, "font": {"size": 11}}, col=column)
    figure.update_xaxes(showgrid=False, dtick=_step(drawn["layers"]))
    # a token such as "7" is a name, never a number
    figure.update_yaxes(type="category", showgrid=False, ticks="")
    figure.update_yaxes(autorange="reversed", col=1)
    most = _most(drawn)
    bar = colour_bar("effect")
    figure.update_layout(
        coloraxis={"colorscale": SIGNED, "cmin": -most, "cmax": most, "colorbar": bar}
    )
    clean, corrupt = drawn["pair"]
    count = (
        f"n = {drawn['n']} pairs, {condition_words(clean)} put into {condition_words(corrupt)};"
        f" effect 0: none, 1: all of "
        f"{drawn['clean'] - drawn['corrupt']:.1f} nats; intervals on hover"
    )
    return finish(figure, _finding(drawn), count, height=210 + 22 * len(tokens))


def _step(layers: list[int]) -> int:
    return max(1, len(layers) // 6)


def _most(drawn: dict[str, Any]) -> float:
    """The end of the colour scale: the largest effect, at least a fifth of the whole."""
    tables = (found["effect"] for found in drawn["sites"].values())
    values = [abs(value) for table in tables for row in table for value in row if value is not None]
    return max([0.2, *values])


def _map(drawn: dict[str, Any], site: str, tokens: list[str]) -> go.Heatmap:
    found = drawn["sites"][site]
    layers = drawn["layers"]
    cells = [
        [[found[key][layer][token] for key in ("effect", "lower", "upper")]
         for layer in range(len(layers))]
        for token in range(len(tokens))
    ]  # fmt: skip
    return go.Heatmap(
        x=layers,
        y=[markup(token, 40) for token in tokens],
        z=[[cell[0] for cell in row] for row in cells],
        text=[
            [_hover(SITES[site], tokens[token], layers[layer], *cell) for layer, cell in enumerate(row)]
            for token, row in enumerate(cells)
        ],
        hovertemplate="%{text}<extra></extra>",
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
    )  # fmt: skip


def _hover(
    site: str, token: str, layer: int, effect: float | None, lower: float | None, upper: float | None
) -> str:  # fmt: skip
    where = f"{site}, layer {layer}, token {token}"
    if effect is None:
        return markup(f"{where}: no counterpart in the clean prompt", 120)
    interval = "" if lower is None else f" [{lower:.2f}, {upper:.2f}]"
    return markup(f"{where}: effect {effect:.2f}{interval}", 120)


def _finding(drawn: dict[str, Any]) -> str:
    """What single attention or MLP outputs carry; the stream at the last token carries all by then."""
    words = []
    for site in drawn["sites"]:
        cells = [
            (value, layer, token)
            for layer, row in zip(drawn["layers"], drawn["sites"][site]["effect"], strict=True)
            for token, value in enumerate(row)
            if value is not None
        ]
        if site == "resid_post" or not cells:
            continue
        value, layer, token = max(cells)
        words.append(
            f"{SITES.get(site, site)} at layer {layer}, “{drawn['tokens'][token]}” ({value:.2f})"
        )
    return "Largest effect of one output: " + ("; ".join(words) or "not measured")
