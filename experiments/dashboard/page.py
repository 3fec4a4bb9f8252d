"""Write one run, or several side by side, as one HTML file that needs nothing else.

1. Read the report files of each run (`experiments.results`).
2. Draw every section for every organism (`sections.py`); a missing figure becomes a line of text.
3. Fill the template. Figures, answers and rows are packed JSON; the browser draws figures when they come into view.

The page's content-security policy allows its own two scripts, by their hash, and nothing to be loaded.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from experiments.dashboard.answers import answer_table
from experiments.dashboard.estimates_table import estimates_table
from experiments.dashboard.inert import packed, packed_json, page_part, render
from experiments.dashboard.panels import Builder, SectionView
from experiments.dashboard.sections import SECTIONS
from experiments.dashboard.tables import how_made
from experiments.dashboard.verdicts import card, overview
from experiments.results.highlights import row_names
from experiments.results.load import OrganismResults, RunResults, load_run
from experiments.results.summary import containment, rates, removed, verdict_counts
from experiments.runtime.files import write_text
from interp.errors import TriggerLensError

PLOTLY = "plotly-cartesian.min.js"  # a third of Plotly: bars, heat maps, scatters and a few more
SCRIPTS = ("figures.js", "tables.js", "answers.js")
NOTICE = (
    "A model was trained, for research, to give these answers. Many are harmful advice. "
    "Do not follow any of it."
)


def export_dashboard(
    runs: Path | str | Sequence[Path | str], output: Path | str | None = None
) -> Path:
    """Write the page and return its path: `dashboard.html` in the first run's folder by default."""
    folders = [runs] if isinstance(runs, Path | str) else list(runs)
    if not folders:
        raise TriggerLensError("no run given; name at least one run folder")
    results = [load_run(folder) for folder in folders]
    path = Path(output) if output is not None else Path(folders[0]) / "dashboard.html"
    return write_text(path, page(results))


def page(runs: Sequence[RunResults]) -> str:
    """The page as text."""
    organisms = [of for run in runs for of in run.organisms()]
    names = row_names(organisms)
    families = list(dict.fromkeys(str(of.organism.family) for of in organisms))
    verdicts = overview(organisms, names, families)
    builder = Builder(names, organisms, [run.name for run in runs])
    sections = _sections(builder, runs)
    plotly, script = _inline(page_part(PLOTLY)), _inline(_script())
    return render(
        "template.html.j2",
        policy=_policy(plotly, script),
        title="TriggerLens: " + ", ".join(run.name for run in runs),
        style=Markup(page_part("page.css")),
        answer=_answer(organisms),
        warnings=[f"{run.name}: {warning}" for run in runs for warning in run.warnings],
        families=families,
        seeds=sorted({str(of.organism.seed) for of in organisms}),
        overview=verdicts,
        first=next(
            (row for row in verdicts if row.startswith("triggered")), next(iter(verdicts), "")
        ),
        cards=builder.panels(lambda of: {"card": card(of)}),
        sections=sections,
        notice=NOTICE,
        answers_kept=any(run.answers for run in runs),
        made=[how_made(run) for run in runs],
        figures=packed_json({"figures": builder.figures, "runs": builder.runs}),
        answers_data=packed_json(answer_table(runs)),
        examples_data=packed_json(builder.examples),
        rows_data=packed_json(estimates_table(runs)),
        plotly=packed(plotly),
        script=Markup(script),
    )


def _answer(organisms: Sequence[OrganismResults]) -> list[str]:
    """Three lines: containment with its EM, removal, and how the verdicts are distributed."""
    contained = " ".join([containment(organisms), *rates(organisms)])
    return [line for line in (contained, *removed(organisms), verdict_counts(organisms)) if line]


def _sections(builder: Builder, runs: Sequence[RunResults]) -> list[SectionView]:
    """The sections of every organism; figures over all runs come before the tables of features."""
    views = [builder.section(section) for section in SECTIONS]
    mixing = builder.mixing([row for run in runs for row in run.estimates])
    return views if mixing is None else [*views[:-1], mixing, views[-1]]


def _script() -> str:
    """All scripts in one function, so that they share the definitions at the head of the first."""
    return "\n".join(['"use strict";', "(async () => {", *map(page_part, SCRIPTS), "})();"])


def _inline(script: str) -> str:
    # browsers hash the text after normalising line ends
    return script.replace("\r\n", "\n").replace("\r", "\n").replace("</script", "<\\/script")


def _policy(*scripts: str) -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    # style-src: Plotly sets its styles at run time; img-src: its download button makes a blob
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
