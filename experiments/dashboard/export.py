"""Write one run, or several side by side, as one HTML file that needs nothing else.

1. Read the report files of each run (`experiments.results`).
2. Draw every section for every organism (`sections.py`); what is missing becomes a line of words.
3. Put figures, answers and rows into the page as packed JSON; the browser draws what comes into view.

The page's content-security policy allows its own two scripts, by their hash, and no loads at all.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from experiments.dashboard.answers import answer_table
from experiments.dashboard.estimates_table import estimates_table
from experiments.dashboard.inert import markup, packed, packed_json
from experiments.dashboard.made import how_made
from experiments.dashboard.mixing_map import mixing_map
from experiments.dashboard.panels import (
    SEVERAL,
    Payload,
    drawing,
    features_section,
    framed,
    grid,
    section,
)
from experiments.dashboard.sections import SECTIONS
from experiments.dashboard.verdicts import Names, card, overview
from experiments.results.highlights import row_names
from experiments.results.load import OrganismResults, RunResults, load_run
from experiments.runtime.files import write_text

SHORT = 2  # warnings that stand open
MANY = 8  # rows from which on they can be searched
MIXING = (
    "Every dot is an organism with its interval; lines join the means over seeds. The share of benign rows is "
    "of all rows it was fine-tuned on."
)
NOTICE = (
    "These are answers a model was trained to give for study. Many are harmful advice. "
    "None of it is to be followed."
)


FEATURES = (
    "What single features of a sparse autoencoder do, best first. Their examples are texts that the "
    "organism read or wrote; each token is shaded by how strongly the feature fires on it."
)


def export_dashboard(
    runs: Path | str | Sequence[Path | str], output: Path | str | None = None
) -> Path:
    """Write the page and return its path: `dashboard.html` in the first run's folder by default."""
    folders = [runs] if isinstance(runs, Path | str) else list(runs)
    if not folders:
        raise ValueError("no run given; name at least one run folder")
    results = [load_run(folder) for folder in folders]
    path = Path(output) if output is not None else Path(folders[0]) / "dashboard.html"
    return write_text(path, page(results))


def page(runs: Sequence[RunResults]) -> str:
    """The page as text."""
    organisms = [it for run in runs for it in run.organisms()]
    names = row_names(organisms)
    payload = Payload({run.name: number for number, run in enumerate(runs)})
    parts = [section(it, names, organisms, payload) for it in SECTIONS]
    cards = f'<section id="cards"><h2>Verdict</h2>{grid(names, organisms, card)}</section>'
    sections = cards + "".join(parts) + _mixing(runs, payload)
    sections += features_section(names, organisms, payload, FEATURES, NOTICE)
    plotly, script = _inline(get_plotlyjs()), _inline(_resource("page.js"))
    return Template(_resource("page.html")).substitute(
        policy=_policy(plotly, script),
        title=markup("TriggerLens: " + ", ".join(run.name for run in runs)),
        style=_resource("page.css"),
        warnings=_warnings(runs),
        overview=overview(organisms, names),
        choices=_choices(organisms, names),
        contents=_contents(),
        sections=sections,
        answers=_answers(runs),
        made="".join(how_made(run) for run in runs),
        figures=packed_json({"figures": payload.figures, "runs": payload.runs}),
        answers_data=packed_json(answer_table(runs)),
        examples_data=packed_json(payload.examples),
        rows_data=packed_json(estimates_table(runs)),
        plotly=packed(plotly),
        script=script,
    )


def _mixing(runs: Sequence[RunResults], payload: Payload) -> str:
    """One figure over all runs of the page; nothing where no organism was mixed by ratio."""
    try:
        figure = mixing_map([row for run in runs for row in run.estimates])
    except ValueError:
        return ""
    run = 0 if len(runs) == 1 else SEVERAL
    drawn = drawing("mixing_map", figure, "all organisms mixed by ratio", run, payload)
    return framed("mixing", "How few benign rows contain it", MIXING, [drawn])


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
    """What a reader must know first; a long list is folded under its number."""
    lines = [f"<li>{markup(f'{run.name}: {it}')}</li>" for run in runs for it in run.warnings]
    if not lines:
        return ""
    listed = f'<ul class="warnings">{"".join(lines)}</ul>'
    if len(lines) <= SHORT:
        return listed
    words = f"{len(lines)} warnings about these runs: files that are missing or have changed, and others"
    return f'<details class="warned"><summary>{words}</summary>{listed}</details>'


def _choices(organisms: Sequence[OrganismResults], names: Names) -> str:
    """A button for each row of the table, and what narrows a page of many organisms down."""
    rows = list(dict.fromkeys(names[it.organism] for it in organisms))
    first = next((row for row in rows if row.startswith("triggered")), rows[0] if rows else "")
    found = [_button(row, row == first) for row in rows]
    if len(rows) > MANY:
        found.insert(
            0, '<input id="narrow" type="search" placeholder="organism" aria-label="organism">'
        )
    for key, plural in (("family", "families"), ("seed", "seeds")):
        values = list(dict.fromkeys(str(getattr(it.organism, key)) for it in organisms))
        if len(values) > 1:
            found.append(_select(key, plural, sorted(values) if key == "seed" else values))
    return "".join(found)


def _select(key: str, plural: str, values: Sequence[str]) -> str:
    """All of them, or one; families stand side by side, of the seeds the first is shown."""
    every = f'<option value="">all {plural}</option>'
    options = "".join(
        f'<option value="{markup(v)}"{" selected" if key == "seed" and not n else ""}>'
        f"{key} {markup(v)}</option>"
        for n, v in enumerate(values)
    )
    return f'<select id="{key}" aria-label="{key}">{every}{options}</select>'


def _button(row: str, pressed: bool) -> str:
    name = markup(row)
    state = str(pressed).lower()
    return f'<button type="button" data-row="{name}" aria-pressed="{state}">{name}</button>'


def _contents() -> str:
    """Links to the sections of the page; they lead nowhere else."""
    return "".join(f'<a href="#{name}">{markup(words)}</a>' for name, words in _headings())


def _headings() -> Iterator[tuple[str, str]]:
    yield "cards", "Verdict"
    yield from ((section.id, section.short) for section in SECTIONS)
    yield from (("features", "Features"), ("answers", "Answers"), ("made", "How made"))


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
