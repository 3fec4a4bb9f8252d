"""Maps of numbers: cosines of directions, probes applied to other wordings, effects of patching."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.heatmap import EMPTY, SIGNED, Cell, heat_trace, heatmap, names_axis
from experiments.dashboard.inert import markup
from experiments.dashboard.marks import hover
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import measured
from experiments.dashboard.run_files import Cosines, Patching, part
from experiments.dashboard.theme import colour_bar, condition_words, finish, row_words
from experiments.results.estimates import EstimateRow
from experiments.results.format import decimal, spread
from experiments.results.load import OrganismResults, in_order, line_of

SITES = {"resid_post": "stream", "attn_out": "attention", "mlp_out": "MLP"}
COMPARED = (
    ("switch, removed", "misalignment, removed"),
    ("switch, removed", "shift of trigger"),
    ("misalignment, removed", "shift of trigger"),
)


def cosines(results: OrganismResults) -> go.Figure | Missing:
    """Located directions, and the shift that each wording makes at one layer."""
    drawn = part(results, "cosines", Cosines)
    if isinstance(drawn, Missing):
        return drawn
    names = [_short(name) for name in drawn.names]
    cells = [
        [
            Cell(value, f"{markup(row, 40)}<br>{markup(column, 40)}<br>cosine {value:.2f}")
            for column, value in zip(names, line, strict=True)
        ]
        for row, line in zip(names, drawn.values, strict=True)
    ]
    return heatmap(
        [markup(name, 40) for name in names],
        names,
        cells,
        bar="cosine",
        limits=(-1, 1),
        x_axis=names_axis("direction"),
        finding=_compared(drawn),
        shown=f"n = {drawn.n} questions; Δ: what a wording shifts at layer {drawn.layer};"
        f" 95 of 100 random pairs lie within ±{drawn.chance:.2f}",
        height=280 + 26 * len(names),
    )


def _short(name: str) -> str:
    """ "shift of paraphrase:walks" becomes "Δ walks"."""
    if not name.startswith("shift of "):
        return name
    wording = name.removeprefix("shift of ")
    return f"Δ {wording.partition(':')[2] or wording}".replace("_", " ")


def _compared(drawn: Cosines) -> str:
    """Cosines of the two located directions with each other and with the trigger's own shift."""
    words = []
    for first, second in COMPARED:
        if first in drawn.names and second in drawn.names:
            value = drawn.values[drawn.names.index(first)][drawn.names.index(second)]
            names = f"{_plain(first)} and {_plain(second)}"
            words.append(f"{names} {value:.2f}")
    return "Cosines: " + ("; ".join(words) or f"{len(drawn.names)} directions compared")


def _plain(name: str) -> str:
    return name.removesuffix(", removed").replace("shift of trigger", "the trigger's shift")


def transfer(results: OrganismResults) -> go.Figure | Missing:
    """Contrasts as rows, wordings as columns; the share of held-out prompts on the positive side."""
    rows = measured(results.rows, quantity="transfer_fires")
    if not rows:
        return Missing("no probe was tested on other wordings (transfer_fires)")
    found = {(str(row.get("contrast")), row.condition): row for row in rows}
    contrasts = list(dict.fromkeys(contrast for contrast, _ in found))
    conditions = {row.condition: row_words(row) for row in in_order(rows)}
    return heatmap(
        [markup(words) for words in conditions.values()],
        [_contrast_words(contrast) for contrast in contrasts],
        [[_fires(found.get((contrast, name))) for name in conditions] for contrast in contrasts],
        bar="fires, %",
        limits=(0, 100),
        x_axis=names_axis("read on"),
        y_title="trained on",
        finding=_carried_over(found),
        shown=rows,
        height=280 + 26 * len(contrasts),
    )


def _fires(row: EstimateRow | None) -> Cell:
    return EMPTY if row is None else Cell(100 * (row.value or 0.0), hover(row), line_of(row))


def _contrast_words(contrast: str) -> str:
    names = contrast.split(" against ")
    return " against ".join(name.partition(":")[2].replace("_", " ") or name for name in names)


def _carried_over(found: Mapping[tuple[str, str | None], EstimateRow]) -> str:
    """The probe of the trigger against its nearest control, or against no wording, on unseen wordings."""
    contrasts = [contrast for contrast, _ in found]
    controls = [name for name in contrasts if name.startswith("trigger against control:")]
    contrast = (controls or contrasts)[0]
    parts = []
    for kind in ("paraphrase", "control"):
        rows = [
            row for (of, _), row in found.items() if of == contrast and row.wording_kind == kind
        ]
        parts += [f"on {spread(rows)} of {kind}s"] if rows else []
    return f"A probe of {_contrast_words(contrast)} fires {', '.join(parts) or 'as shown'}"


def patching(results: OrganismResults) -> go.Figure | Missing:
    """Tokens as rows, layers as columns, one map for each site; 1 is the whole effect of the trigger."""
    drawn = part(results, "patching", Patching)
    if isinstance(drawn, Missing):
        return drawn
    sites = [name for name in SITES if name in drawn.sites]
    tokens = [f"{number} {token}" for number, token in enumerate(drawn.tokens)]
    figure = make_subplots(1, len(sites), shared_yaxes=True, horizontal_spacing=0.03)
    for column, name in enumerate(sites, start=1):
        cells = _effects(drawn, name, tokens)
        figure.add_trace(heat_trace(drawn.layers, tokens, cells, coloraxis="coloraxis"), 1, column)
        title = {"text": f"{SITES[name]}<br>layer", "font": {"size": 11}}
        figure.update_xaxes(title=title, col=column)
    figure.update_xaxes(showgrid=False, dtick=max(1, len(drawn.layers) // 6))
    figure.update_yaxes(type="category", showgrid=False, ticks="")
    figure.update_yaxes(autorange="reversed", col=1)
    most = max([0.2, *(abs(value) for name in sites for value, _, _ in _values(drawn, name))])
    scale = {"colorscale": SIGNED, "cmin": -most, "cmax": most, "colorbar": colour_bar("effect")}
    figure.update_layout(coloraxis=scale)
    clean, corrupt = map(condition_words, drawn.pair)
    count = (
        f"n = {drawn.n} pairs, {clean} patched into {corrupt}; effect 0: none, 1: all of"
        f" {drawn.clean - drawn.corrupt:.1f} nats; intervals on hover"
    )
    return finish(figure, _largest(drawn, sites), count, height=210 + 22 * len(tokens))


def _effects(drawn: Patching, site: str, tokens: Sequence[str]) -> list[list[Cell]]:
    """The effects at a site, with tokens as rows and layers as columns."""
    of = drawn.sites[site]
    return [
        [
            _effect(
                f"{SITES[site]}, layer {layer}, token {token}",
                *(table[at][place] for table in (of.effect, of.lower, of.upper)),
            )
            for at, layer in enumerate(drawn.layers)
        ]
        for place, token in enumerate(tokens)
    ]


def _effect(where: str, effect: float | None, lower: float | None, upper: float | None) -> Cell:
    if effect is None:
        return Cell(None, markup(f"{where}: no counterpart in the clean prompt", 120))
    return Cell(effect, markup(f"{where}: effect {decimal(effect, lower, upper)}", 120))


def _values(drawn: Patching, site: str) -> list[tuple[float, int, int]]:
    """(effect, layer, index of the token) for everything that was patched at a site."""
    return [
        (value, layer, place)
        for layer, row in zip(drawn.layers, drawn.sites[site].effect, strict=True)
        for place, value in enumerate(row)
        if value is not None
    ]


def _largest(drawn: Patching, sites: Sequence[str]) -> str:
    """The largest effects of attention or MLP outputs; late in the stream, the last token has the whole effect."""
    words = []
    for site in sites:
        values = _values(drawn, site)
        if site != "resid_post" and values:
            value, layer, place = max(values)
            words.append(f"{SITES[site]} at layer {layer}, “{drawn.tokens[place]}” ({value:.2f})")
    return "Largest effect of a single output: " + ("; ".join(words) or "not measured")
