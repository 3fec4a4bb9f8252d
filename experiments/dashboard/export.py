"""Write one run, or several side by side, as one HTML file that needs nothing else.

1. Read the report files of each run (`experiments.results`).
2. Draw every section for every organism (`sections.py`); what is missing becomes a line of words.
3. Put figures, answers and rows into the page as packed JSON; the browser draws what comes into view.

The page's content-security policy allows its own two scripts, by their hash, and no loads at all.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from experiments.dashboard.answers import answer_table
from experiments.dashboard.estimates_table import estimates_table
from experiments.dashboard.features import features
from experiments.dashboard.inert import markup, packed_json
from experiments.dashboard.made import how_made
from experiments.dashboard.sections import SECTIONS, Draw, Section
from experiments.dashboard.verdicts import Names, card, overview
from experiments.files import write_text
from experiments.highlights import row_names
from experiments.results import OrganismResults, RunResults, load_results

NOTICE = (
    "These are answers a model was trained to give for study. Many are harmful advice. "
    "None of it is to be followed."
)


# drawn from maps.jsonl, which any version may have written
OF_MAPS = {
    "em_by_question",
    "projection_switch",
    "projection_misalignment",
    "plane",
    "patching",
    "cosines",
    "reach_words",
    "reach_representation",
    "reach_meaning",
}
FEATURES = (
    "What single features of a sparse autoencoder do, best first. Their examples are texts that the "
    "organism read or wrote; each token is shaded by how strongly the feature fires on it."
)


@dataclass
class Payload:
    """What the browser gets as data: figures, the run each of them is of, and examples of features."""

    figures: list[dict[str, Any]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    examples: list[list[dict[str, Any]]] = field(default_factory=list)


def export_dashboard(
    runs: Path | str | Sequence[Path | str], output: Path | str | None = None
) -> Path:
    """Write the page and return its path: `dashboard.html` in the first run's folder by default."""
    folders = [runs] if isinstance(runs, Path | str) else list(runs)
    if not folders:
        raise ValueError("no run given; name at least one run folder")
    results = [load_results(folder) for folder in folders]
    path = Path(output) if output is not None else Path(folders[0]) / "dashboard.html"
    return write_text(path, page(results))


def page(runs: Sequence[RunResults]) -> str:
    """The page as text."""
    organisms = [it for run in runs for it in run.organisms()]
    names = row_names(organisms)
    payload = Payload()
    places = {run.name: number for number, run in enumerate(runs)}
    parts = [_section(it, names, organisms, places, payload) for it in SECTIONS]
    sections = _cards(names, organisms) + "".join(parts) + _features(names, organisms, payload)
    plotly, script = _inline(get_plotlyjs()), _inline(_resource("page.js"))
    return Template(_resource("page.html")).substitute(
        policy=_policy(plotly, script),
        title=markup("TriggerLens: " + ", ".join(run.name for run in runs)),
        style=_resource("page.css"),
        warnings=_warnings(runs),
        overview=overview(organisms, names),
        buttons=_buttons(organisms, names),
        contents=_contents(),
        sections=sections,
        answers=_answers(runs),
        made="".join(how_made(run) for run in runs),
        figures=packed_json({"figures": payload.figures, "runs": payload.runs}),
        answers_data=packed_json(answer_table(runs)),
        examples_data=packed_json(payload.examples),
        rows_data=packed_json(estimates_table(runs)),
        plotly=plotly,
        script=script,
    )


def _resource(name: str) -> str:
    return (resources.files("experiments.dashboard") / name).read_text(encoding="utf-8")


def _inline(script: str) -> str:
    # a browser hashes the text after it has normalised line ends
    return script.replace("\r\n", "\n").replace("\r", "\n").replace("</script", "<\\/script")


def _policy(*scripts: str) -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    # style-src: Plotly sets its styles at run time; img-src: its download button makes a blob
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _warnings(runs: Sequence[RunResults]) -> str:
    lines = [f"<li>{markup(f'{run.name}: {it}')}</li>" for run in runs for it in run.warnings]
    return f'<ul class="warnings">{"".join(lines)}</ul>' if lines else ""


def _buttons(organisms: Sequence[OrganismResults], names: Names) -> str:
    rows = list(dict.fromkeys(names[it.organism] for it in organisms))
    first = next((row for row in rows if row.startswith("triggered")), rows[0] if rows else "")
    buttons = "".join(_button(row, row == first) for row in rows)
    seeds = sorted({str(it.organism.seed) for it in organisms})
    if len(seeds) < 2:
        return buttons
    options = "".join(f'<option value="{markup(s)}">seed {markup(s)}</option>' for s in seeds)
    return f'{buttons}<select id="seed" aria-label="seed">{options}</select>'


def _button(row: str, pressed: bool) -> str:
    name = markup(row)
    state = str(pressed).lower()
    return f'<button type="button" data-row="{name}" aria-pressed="{state}">{name}</button>'


def _panel(names: Names, results: OrganismResults, inner: str) -> str:
    row, seed = markup(names[results.organism]), markup(results.organism.seed)
    return f'<div class="panel" data-row="{row}" data-seed="{seed}">{inner}</div>'


def _grid(panels: Sequence[str]) -> str:
    none = '<p class="none missing" hidden>Not run for this seed.</p>'
    return f'<div><div class="grid">{"".join(panels)}</div>{none}</div>'


def _cards(names: Names, organisms: Sequence[OrganismResults]) -> str:
    panels = [_panel(names, it, card(it)) for it in organisms]
    return f'<section id="cards"><h2>Verdict</h2>{_grid(panels)}</section>'


def _section(
    section: Section,
    names: Names,
    organisms: Sequence[OrganismResults],
    places: dict[str, int],
    payload: Payload,
) -> str:
    grids = "".join(
        _grid([_panel(names, it, _draw(name, draw, it, places, payload)) for it in organisms])
        for name, draw in section.figures.items()
    )
    return (
        f'<section id="{section.id}"><h2>{markup(section.title)}</h2>'
        f'<p class="soft">{markup(section.text)}</p>{grids}</section>'
    )


def _draw(
    name: str, draw: Draw, results: OrganismResults, places: dict[str, int], payload: Payload
) -> str:
    """A figure, or the words why there is none."""
    organism = markup(results.organism.name)
    try:
        figure = draw(results)
    except ValueError as reason:
        return _absent(organism, reason)
    except (KeyError, TypeError, IndexError, AttributeError):
        if name not in OF_MAPS:
            raise
        return _absent(organism, ValueError("maps.jsonl is not as expected; make the run again"))
    finding, count = (markup(figure.layout.meta[key]) for key in ("finding", "count"))
    height = int(figure.layout.height) - 58  # the page shows the title itself, where it can wrap
    payload.figures.append(_plain(figure, height))
    payload.runs.append(places[results.organism.run])
    number = len(payload.figures) - 1
    tools = "".join(
        f'<button type="button" data-save="{form}" data-of="{number}">{form.upper()}</button>'
        for form in ("csv", "svg")
    )
    return (
        f"<figure><figcaption><small>{organism}</small>{finding}<small>{count}</small></figcaption>"
        f'<div data-figure="{number}" data-name="{name}" style="height:{height}px" role="img"'
        f' aria-label="{finding}"></div><div class="tools">{tools}</div></figure>'
    )


def _absent(organism: str, reason: ValueError) -> str:
    caption = f"<figcaption><small>{organism}</small></figcaption>"
    return f'<figure>{caption}<p class="missing">Not in this run: {markup(reason)}.</p></figure>'


def _features(names: Names, organisms: Sequence[OrganismResults], payload: Payload) -> str:
    panels = [_panel(names, it, _feature_panel(it, payload)) for it in organisms]
    head = f'<h2>Features of a sparse autoencoder</h2><p class="soft">{markup(FEATURES)}</p>'
    return f'<section id="features">{head}{_grid(panels)}</section>'


def _feature_panel(results: OrganismResults, payload: Payload) -> str:
    organism = markup(results.organism.name)
    try:
        found = features(results)
    except ValueError as reason:
        return _absent(organism, reason)
    payload.examples.append([example for each in found.examples for example in each])
    fold = (
        f'<details class="examples" data-examples="{len(payload.examples) - 1}">'
        f"<summary>Show where they fire. {markup(NOTICE)}</summary><div></div></details>"
    )
    return f"<figure><figcaption><small>{organism}</small></figcaption>{found.table}{fold}</figure>"


def _contents() -> str:
    """Links to the sections of the page; they lead nowhere else."""
    return "".join(f'<a href="#{name}">{markup(words)}</a>' for name, words in _headings())


def _headings() -> Iterator[tuple[str, str]]:
    yield "cards", "Verdict"
    yield from ((section.id, section.short) for section in SECTIONS)
    yield from (("features", "Features"), ("answers", "Answers"), ("made", "How made"))


def _plain(figure: go.Figure, height: int) -> dict[str, Any]:
    """A figure as plain data, without what every figure of the page shares."""
    plain = json.loads(figure.to_json())
    for key in ("template", "title", "meta"):
        plain["layout"].pop(key, None)
    plain["layout"]["margin"]["t"] = 12
    plain["layout"]["height"] = height
    return plain


def _answers(runs: Sequence[RunResults]) -> str:
    if not any(run.answers for run in runs):
        return '<p class="missing">This run kept no sampled answers.</p>'
    return (
        f'<details id="answers-fold"><summary>Show the answers. {markup(NOTICE)}</summary>'
        '<div class="filters" id="answers-filters">'
        '<input id="answers-search" type="search" placeholder="search" aria-label="search">'
        '<button type="button" id="answers-csv">CSV</button></div>'
        '<p class="soft" id="answers-count"></p><div id="answers-list"></div>'
        '<button type="button" id="answers-more" hidden>Show more</button></details>'
    )
