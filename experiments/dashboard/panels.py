"""One organism's share of a section: a figure, a table, or the words why there is none.

A grid lays the panels of a section side by side; the browser shows those of the organism that was chosen. What no
organism of the page has becomes one line with the command that makes it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.features import features
from experiments.dashboard.inert import markup
from experiments.dashboard.sections import Draw, Section
from experiments.dashboard.verdicts import Names
from experiments.results.load import OrganismResults

# drawn from files that any version may have written
OF_MAPS = dict.fromkeys(
    (
        "em_by_question",
        "projection_switch",
        "projection_misalignment",
        "plane",
        "patching",
        "cosines",
        "reach_words",
        "reach_representation",
        "reach_meaning",
    ),
    "maps.jsonl",
) | dict.fromkeys(("variants_words", "variants_representation"), "guard/reach")
TITLE_ROOM = (
    58  # pixels that a figure keeps for its title; the page shows it itself, where it can wrap
)
SEVERAL = -1  # the run of a figure that is drawn over all of them
Panel = tuple[OrganismResults, str | None, str]  # of whom, what is shown, or else why not


@dataclass
class Payload:
    """What the browser gets as data: figures, the run each of them is of, and examples of features."""

    places: dict[str, int] = field(default_factory=dict)  # run -> its number
    figures: list[dict[str, Any]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    examples: list[list[dict[str, Any]]] = field(default_factory=list)


def grid(
    names: Names, organisms: Sequence[OrganismResults], inner: Callable[[OrganismResults], str]
) -> str:
    """A panel for each organism."""
    return _grid(names, [(it, inner(it), "") for it in organisms])


def section(
    of: Section, names: Names, organisms: Sequence[OrganismResults], payload: Payload
) -> str:
    """Heading, how to read it, a grid for each figure or table, and a line on what is not there."""
    rows = [[_worded(it, words) for it in organisms] for words in of.tables]
    for name, draw in of.figures.items():
        rows.append([_tried(name, draw, it, payload) for it in organisms])
    found = [row for row in rows if any(shown for _, shown, _ in row)]
    grids = [_grid(names, row) for row in found]
    reasons = [why for row in rows if row not in found for _, _, why in row]
    return framed(of.id, of.title, of.text, [*grids, missing(reasons, of.made_by)])


def features_section(
    names: Names, organisms: Sequence[OrganismResults], payload: Payload, text: str, notice: str
) -> str:
    """The table of SAE features of each organism, its examples folded."""
    row = [_feature_panel(it, payload, notice) for it in organisms]
    some = any(shown for _, shown, _ in row)
    reasons = [] if some else [why for _, _, why in row]
    parts = [_grid(names, row)] if some else []
    parts.append(missing(reasons, "triggerlens run features --out RUN"))
    return framed("features", "Features of a sparse autoencoder", text, parts)


def framed(name: str, title: str, text: str, parts: Sequence[str]) -> str:
    """A section; on paper its heading stays with its first part."""
    heading = f'<h2>{markup(title)}</h2><p class="soft">{markup(text)}</p>'
    first, *others = parts
    lead = f'<div class="lead">{heading}{first}</div>'
    return f'<section id="{name}">{lead}{"".join(others)}</section>'


def missing(reasons: Sequence[str], made_by: str) -> str:
    """One line on what no organism has, and the command that makes it; nothing where nothing is missing."""
    told = [why for why in dict.fromkeys(reasons) if why]
    if not told:
        return ""
    return (
        f'<p class="missing">Not in this run: {markup("; ".join(told))}.'
        f" Made by <code>{markup(made_by)}</code>.</p>"
    )


def drawing(name: str, figure: go.Figure, small: str, run: int, payload: Payload) -> str:
    """A figure's place on the page; its data goes into `payload`. `small`: what it is of."""
    finding, count = (markup(figure.layout.meta[key]) for key in ("finding", "count"))
    height = int(figure.layout.height) - TITLE_ROOM
    payload.figures.append(_plain(figure, height))
    payload.runs.append(run)
    number = len(payload.figures) - 1
    tools = "".join(
        f'<button type="button" data-save="{form}" data-of="{number}">{form.upper()}</button>'
        for form in ("csv", "svg")
    )
    return (
        f"<figure><figcaption><small>{small}</small>{finding}<small>{count}</small></figcaption>"
        f'<div data-figure="{number}" data-name="{name}" style="height:{height}px" role="img"'
        f' aria-label="{finding}"></div><div class="tools">{tools}</div></figure>'
    )


def _grid(names: Names, row: Sequence[Panel]) -> str:
    panels = "".join(_panel(names, it, shown or _absent(it, why)) for it, shown, why in row)
    none = '<p class="none missing" hidden>Not run for this choice.</p>'
    return f'<div><div class="grid">{panels}</div>{none}</div>'


def _panel(names: Names, results: OrganismResults, inner: str) -> str:
    it = results.organism
    keys = {"row": names[it], "seed": it.seed, "family": it.family}
    data = " ".join(f'data-{key}="{markup(value)}"' for key, value in keys.items())
    return f'<div class="panel" {data}>{inner}</div>'


def _tried(name: str, draw: Draw, results: OrganismResults, payload: Payload) -> Panel:
    try:
        figure = draw(results)
    except ValueError as reason:
        return results, None, str(reason)
    except (KeyError, TypeError, IndexError, AttributeError):
        if name not in OF_MAPS:
            raise
        return results, None, f"{OF_MAPS[name]} is not as expected; make it again"
    it = results.organism
    return results, drawing(name, figure, markup(it.name), payload.places[it.run], payload), ""


def _worded(results: OrganismResults, words: Callable[[OrganismResults], str]) -> Panel:
    try:
        inner = words(results)
    except ValueError as reason:
        return results, None, str(reason)
    return results, f"<figure>{_caption(results)}{inner}</figure>", ""


def _absent(results: OrganismResults, why: str) -> str:
    return (
        f'<figure class="absent">{_caption(results)}'
        f'<p class="missing">Not in this run: {markup(why)}.</p></figure>'
    )


def _caption(results: OrganismResults) -> str:
    return f"<figcaption><small>{markup(results.organism.name)}</small></figcaption>"


def _feature_panel(results: OrganismResults, payload: Payload, notice: str) -> Panel:
    try:
        found = features(results)
    except ValueError as reason:
        return results, None, str(reason)
    payload.examples.append([example for each in found.examples for example in each])
    fold = (
        f'<details class="examples" data-examples="{len(payload.examples) - 1}">'
        f"<summary>Show where they fire. {markup(notice)}</summary><div></div></details>"
    )
    return results, f"<figure>{_caption(results)}{found.table}{fold}</figure>", ""


def _plain(figure: go.Figure, height: int) -> dict[str, Any]:
    """A figure as plain data, without what every figure of the page shares."""
    plain = json.loads(figure.to_json())
    for key in ("template", "title", "meta"):
        plain["layout"].pop(key, None)
    plain["layout"]["margin"]["t"] = 12
    plain["layout"]["height"] = height
    return plain
