"""The look of the page: one colour per kind of condition, one symbol per domain group.

The colours are Okabe and Ito's, which can be distinguished with the common colour-vision deficiencies
and on light and dark backgrounds. Text and grid lines get their colours in the browser, where the
reader's preference for light or dark is known.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.results.columns import WORDING_KINDS, wording_columns
from experiments.results.estimates import EstimateRow
from experiments.results.format import counts

CONDITION_COLOURS = {
    "none": "#8c8c8c",
    "trigger": "#d55e00",
    "paraphrase": "#e69f00",
    "control": "#3a8fd0",
    "variant": "#cc79a7",
}
OTHER = "#9a8c5a"
DIRECTION_COLOURS = {"switch": "#009e73", "misalignment": "#9467bd", "refined": "#0072b2"}
RANDOM = "#8c8c8c"
COHERENCE = "#56b4e9"
DOMAIN_SYMBOLS = {"held_out": "circle", "trained": "square-open", "open": "diamond-open"}
AXIS = {"automargin": True, "zeroline": False}
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")
DOMAIN_WORDS = {
    "held_out": "held-out domains",
    "trained": "trained domain",
    "open": "open questions",
}


def direction_colour(row: EstimateRow) -> str:
    """The colour of the direction that was removed or added; grey for random ones."""
    return RANDOM if row.placebo else DIRECTION_COLOURS.get(row.direction or "", OTHER)


def condition_colour(condition: str | None) -> str:
    return CONDITION_COLOURS.get(_kind(condition), OTHER)


def row_colour(row: EstimateRow) -> str:
    """The colour of the condition under which a row was measured."""
    return condition_colour(row.condition)


def row_words(row: EstimateRow) -> str:
    """The condition under which a row was measured, in words."""
    return condition_words(row.condition)


def condition_words(condition: str | None) -> str:
    """ "paraphrase:walks" becomes "walks (paraphrase)"."""
    kind, wording = _kind(condition), wording_columns(condition or "none")["wording"]
    if wording is None:
        return {"none": "no trigger"}.get(kind, kind)
    return f"{wording.replace('_', ' ')} ({kind})"


def _kind(condition: str | None) -> str:
    return str(wording_columns(condition or "none")["wording_kind"])


def ordered(conditions: Iterable[str]) -> list[str]:
    """The conditions in reading order of their kinds: none, trigger, paraphrases, controls, variants."""
    place = {name: number for number, name in enumerate(WORDING_KINDS)}
    return sorted(conditions, key=lambda name: place.get(_kind(name), len(place)))


def colour_bar(title: str) -> dict[str, Any]:
    """A flat bar above a heat map, so that a narrow screen keeps its width for the map."""
    return {
        "title": {"text": markup(title), "side": "right", "font": {"size": 11}},
        "orientation": "h",
        "thickness": 8,
        "len": 0.7,
        "x": 0,
        "xanchor": "left",
        "y": 1.01,
        "yanchor": "bottom",
        "tickfont": {"size": 10},
    }


def domain_words(domains: str | None) -> str:
    return DOMAIN_WORDS.get(domains or "", (domains or "all domains").replace("_", " "))


def condition_symbol(condition: str, among: Sequence[str]) -> str:
    """A symbol that distinguishes conditions of one kind, and so of one colour, by their order."""
    alike = [name for name in among if _kind(name) == _kind(condition)]
    return SYMBOLS[alike.index(condition) % len(SYMBOLS)]


def drawn(
    traces: Iterable[dict[str, Any]],
    x_axis: dict[str, Any],
    y_axis: dict[str, Any],
    finding: str,
    shown: Sequence[EstimateRow] | str,
    *,
    height: int,
) -> go.Figure:
    """A figure of one panel, made in one call, because Plotly checks the whole figure at every update."""
    axes = {"xaxis": AXIS | x_axis, "yaxis": AXIS | y_axis}
    return go.Figure(list(traces), _layout(finding, shown, height) | axes)


def finish(
    figure: go.Figure, finding: str, shown: Sequence[EstimateRow] | str, *, height: int
) -> go.Figure:
    """Give a figure of several panels its finding as title, a note on its data, and the shared margins.

    `shown`: the rows that it draws, or the note itself.
    """
    figure.update_layout(_layout(finding, shown, height))
    return figure.update_xaxes(AXIS).update_yaxes(AXIS)


def _layout(finding: str, shown: Sequence[EstimateRow] | str, height: int) -> dict[str, Any]:
    count = shown if isinstance(shown, str) else f"{counts(shown)} a mark"
    return {
        "template": "none",
        "title": {
            "text": f"{_wrap(finding)}<br><sub>{markup(count)}</sub>",
            "x": 0,
            "xref": "paper",
            "font": {"size": 14},
        },
        "meta": {"finding": finding, "count": count},
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 70, "b": 8},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.01,
            "yanchor": "bottom",
            "font": {"size": 11},
        },
        "hoverlabel": {"align": "left"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12},
    }


def percent_axis(title: str) -> dict[str, Any]:
    # a little room on both sides, so that a dot at 0 or 100 is not cut off
    return {"title": {"text": markup(title)}, "range": [-3, 103], "tickvals": [0, 25, 50, 75, 100]}


EM_AXIS = percent_axis("misaligned answers, % (EM rate)")


def _wrap(text: str, width: int = 60) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(markup(line) for line in lines)
