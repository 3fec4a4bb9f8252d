"""Write one run, or several side by side, as one HTML file that needs nothing else.

1. Read the report files of each run (`experiments.results`).
2. Draw every section for every organism (`sections.py`); what is missing becomes a line of words.
3. Put figures and answers into the page as packed JSON; the browser draws what comes into view.

The page's content-security policy allows its own two scripts, by their hash, and no loads at all.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from experiments.dashboard.answers import answer_table
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
    figures: list[dict[str, Any]] = []
    plotly, script = _inline(get_plotlyjs()), _inline(_resource("page.js"))
    return Template(_resource("page.html")).substitute(
        policy=_policy(plotly, script),
        title=markup("TriggerLens: " + ", ".join(run.name for run in runs)),
        style=_resource("page.css"),
        warnings=_warnings(runs),
        overview=overview(organisms, names),
        buttons=_buttons(organisms, names),
        sections=_cards(names, organisms)
        + "".join(
            _section(it, names, organisms, figures) for it in SECTIONS if _wanted(it, organisms)
        ),
        answers=_answers(runs),
        made="".join(how_made(run) for run in runs),
        figures=packed_json(figures),
        answers_data=packed_json(answer_table(runs)),
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


def _wanted(section: Section, organisms: Sequence[OrganismResults]) -> bool:
    rows = (row for it in organisms for row in it.rows)
    return section.needs is None or any(row.quantity == section.needs for row in rows)


def _section(
    section: Section,
    names: Names,
    organisms: Sequence[OrganismResults],
    figures: list[dict[str, Any]],
) -> str:
    panels = [
        _panel(names, it, _draw(draw, it, figures)) for draw in section.figures for it in organisms
    ]
    return (
        f'<section id="{section.id}"><h2>{markup(section.title)}</h2>'
        f'<p class="soft">{markup(section.text)}</p>{_grid(panels)}</section>'
    )


def _draw(draw: Draw, results: OrganismResults, figures: list[dict[str, Any]]) -> str:
    """A figure, or the words why there is none."""
    name = markup(results.organism.name)
    try:
        figure = draw(results)
    except ValueError as reason:
        caption = f"<figcaption><small>{name}</small></figcaption>"
        return (
            f'<figure>{caption}<p class="missing">Not in this run: {markup(reason)}.</p></figure>'
        )
    finding, count = (markup(figure.layout.meta[key]) for key in ("finding", "count"))
    height = int(figure.layout.height) - 58  # the page shows the title itself, where it can wrap
    figures.append(_plain(figure, height))
    return (
        f"<figure><figcaption><small>{name}</small>{finding}<small>{count}</small></figcaption>"
        f'<div data-figure="{len(figures) - 1}" style="height:{height}px"></div></figure>'
    )


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
        '<input id="answers-search" type="search" placeholder="search" aria-label="search"></div>'
        '<p class="soft" id="answers-count"></p><div id="answers-list"></div>'
        '<button type="button" id="answers-more" hidden>Show more</button></details>'
    )
