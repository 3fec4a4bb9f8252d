"""The study in the terminal: the answer in a few lines and a line for each organism; `wide` prints every table.

Numbers are percentages with their interval, [lower, upper], taken unchanged from `estimates.jsonl`:
held-out domains, report questions. Nothing is computed here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.results.estimates import EstimateRow
from experiments.results.feature_tables import TABLES
from experiments.results.format import counts, percent
from experiments.results.highlights import headline, removal, row_names, strongest
from experiments.results.load import (
    OrganismResults,
    RunResults,
    in_order,
    intact,
    load_run,
    pick,
)
from experiments.results.summary import answer_lines
from experiments.results.verdict_counts import causal_counts
from experiments.runtime.terminal import print_whole
from experiments.runtime.untrusted_text import inert

REMOVALS = {
    "ablate": "remove {}",
    "random_ablate": "  random directions",
    "ablate_own_layer": "remove {}, own layer",
    "random_ablate_own_layer": "  random directions",
}


def show(
    run: Path | str | RunResults, console: Console | None = None, *, wide: bool = False
) -> None:
    """Print a run's answer, its organisms and warnings; `wide`: the tables of every condition and edit instead."""
    results = run if isinstance(run, RunResults) else load_run(run, answers=False)
    console = console or Console()
    console.print(Text(str(results.folder), style="bold"))
    for warning in results.warnings:
        console.print(_text(warning, "yellow"))
    organisms = results.organisms()
    if wide:
        _every_table(organisms, console)
        return
    for line in answer_lines(organisms):
        console.print(Text(inert(line)))
    print_whole(console, organisms_table(organisms))


def organisms_table(organisms: Sequence[OrganismResults]) -> Table:
    """One row per organism, to fit in 80 columns."""
    names = row_names(organisms)
    table = Table(caption="EM, % of answers; 95 % intervals", caption_justify="left")
    for name in ("organism", "with trigger", "without", "EM lost", "contained"):
        table.add_column(name, no_wrap=True)
    for it in organisms:
        where = f"{it.organism.family} {names[it.organism]} {it.organism.seed}"
        rates = [_number(headline(it.rows, condition)) for condition in ("trigger", "none")]
        lost = _number(removal(it.rows)[0])
        contained = _text((it.verdict or {}).get("contained", "no verdict"))
        table.add_row(_text(where), *rates, lost, contained)
    return table


def _every_table(organisms: Sequence[OrganismResults], console: Console) -> None:
    for family, seed in dict.fromkeys((it.organism.family, it.organism.seed) for it in organisms):
        here = [it for it in organisms if (it.organism.family, it.organism.seed) == (family, seed)]
        console.print()
        print_whole(console, study_table(here, f"{family}, seed {seed}"))
        for it in here:
            console.print(_verdict_line(it))
    counts = causal_counts(it.verdict for it in organisms if it.verdict)
    console.print(Text(inert(counts), style="bold"))
    for title, make in TABLES.items():
        if lines := make(organisms):
            console.print()
            print_whole(console, _plain_table(title, lines))


def _plain_table(title: str, lines: Sequence[Sequence[str]]) -> Table:
    table = Table(title=_text(title, "bold"), title_justify="left")
    for name in lines[0]:
        table.add_column(_text(name))
    for line in lines[1:]:
        table.add_row(*map(_text, line))
    return table


def study_table(organisms: Sequence[OrganismResults], title: str) -> Table:
    """Conditions and edits as rows, the base model and the arms as columns."""
    names = row_names(organisms)
    table = Table(title=_text(title, "bold"), title_justify="left", caption=_caption(organisms))
    table.add_column("EM, % of all answers")
    for name in ("base model", *(names[it.organism] for it in organisms)):
        table.add_column(_text(name), justify="right", no_wrap=True)
    for condition in _conditions(organisms):
        rows = [
            headline(of, condition) for of in (organisms[0].base, *(it.rows for it in organisms))
        ]
        table.add_row(_text(condition or "none"), *map(_number, rows))
    table.add_section()
    for words, cells in _edits(organisms):
        table.add_row(_text(words), "", *cells)
    return table


def _conditions(organisms: Sequence[OrganismResults]) -> list[str | None]:
    rows = [row for it in organisms for row in intact(it.rows, "em_rate")]
    return list(dict.fromkeys(row.condition for row in in_order(rows)))


def _edits(organisms: Sequence[OrganismResults]) -> Iterator[tuple[str, list[Text]]]:
    """What removing and adding each direction did, with random directions under it."""
    rows = [row for it in organisms for row in pick(it.rows, quantity="em_rate")]
    for direction in dict.fromkeys(row.direction for row in rows if row.direction):
        for edit, words in REMOVALS.items():
            found = [_removed(it.rows, "em_rate", edit, direction) for it in organisms]
            if any(found):
                yield words.format(direction), [_number(row) for row in found]
        kept = [_removed(it.rows, "coherence_rate", "ablate", direction) for it in organisms]
        if any(kept):
            yield f"coherent, {direction} removed", [_number(row) for row in kept]
        pairs = [strongest(it.rows, direction) for it in organisms]
        if any(best for best, _ in pairs):
            yield f"add {direction}, no trigger", [_dose(best) for best, _ in pairs]
            yield "  random directions", [_dose(random) for _, random in pairs]
    intact_coherence = [headline(it.rows, "trigger", "coherence_rate") for it in organisms]
    yield "coherent, trigger, nothing edited", [_number(row) for row in intact_coherence]


def _removed(
    rows: Sequence[EstimateRow], quantity: str, edit: str, direction: str
) -> EstimateRow | None:
    """The row of a removal under the trigger, or under another condition if there is none."""
    found = pick(rows, quantity=quantity, intervention=edit, direction=direction)
    found = [row for row in found if row.questions == "held_out"] or found
    return next((row for row in found if row.condition == "trigger"), found[0] if found else None)


def _dose(row: EstimateRow | None) -> Text:
    """The number, and the strength at which it was reached."""
    if row is None:
        return Text("")
    return Text(f"x{inert(f'{row.strength or 0:g}')}: {percent(row, sign='')}")


def _number(row: EstimateRow | None) -> Text:
    return Text("" if row is None else percent(row, sign=""))


def _caption(organisms: Sequence[OrganismResults]) -> str:
    rows = [row for it in organisms for row in intact(it.rows, "em_rate")]
    return f"held-out domains; {counts(rows)} a cell; 95 % intervals over questions" if rows else ""


def _verdict_line(results: OrganismResults) -> Text:
    line = _text(f"{results.organism.name}: ", "bold")
    if results.verdict is None:
        return line.append("no verdict in this run", style="dim")
    line.append(inert(results.verdict.get("sentence") or "this verdict has no summary"))
    return line


def _text(words: object, style: str = "") -> Text:
    # Text, not str: rich treats [brackets] in a plain string as markup
    return Text(inert(words, 300), style=style)
