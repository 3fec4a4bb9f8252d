"""The verdicts in words and numbers: one table for the first screen, one card per organism."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from experiments.dashboard.inert import markup
from experiments.results.format import percent, spread
from experiments.results.highlights import headline, removal
from experiments.results.load import Organism, OrganismResults
from experiments.results.summary import LITTLE, answers, what_is_gone, yes_or_no

CLAIMS = ("located", "necessary", "sufficient", "specific")
FACTS = {
    "containment_gap": "EM with the trigger minus without",
    "difference_in_differences": "that gap minus the base model's",
    "coherence_rate": "coherent answers with the trigger",
}
MARKS = {"yes": "✓", "no": "✗", "undecided": "?", "part": "◐"}

Names = Mapping[Organism, str]


def answer(organisms: Sequence[OrganismResults]) -> str:
    """The two questions of the page, answered over all of its organisms: how many of how many."""
    return re.sub(r"\d+ of \d+", r"<b>\g<0></b>", markup(" ".join(answers(organisms))))


def overview(organisms: Sequence[OrganismResults], names: Names) -> str:
    """Arms down, families across, seeds together; a cell says contained or not, and what removal did."""
    families = list(dict.fromkeys(it.organism.family for it in organisms))
    head = "".join(f"<th scope=col>{markup(family)}</th>" for family in families)
    lines = [f"<tr><th scope=col>organism</th>{head}</tr>"]
    for row in dict.fromkeys(names[it.organism] for it in organisms):
        here = [it for it in organisms if names[it.organism] == row]
        cells = "".join(_cell(f, [it for it in here if it.organism.family == f]) for f in families)
        name = markup(row)
        go = f'<button type="button" data-go="{name}">{name}</button>'
        lines.append(f'<tr data-row="{name}"><th scope=row>{go}</th>{cells}</tr>')
    table = f'<table class="overview csv" data-csv="verdicts">{"".join(lines)}</table>'
    return f'<p class="answered">{answer(organisms)}</p><div class="scroll">{table}</div>'


def _cell(family: str | None, seeds: Sequence[OrganismResults]) -> str:
    name = f'data-family="{markup(family)}"'  # shown inside the cell where the table is folded
    if not seeds:
        return f'<td class="absent" {name}>not run</td>'
    return f"<td {name}>{_contained(seeds)}{_removed(seeds)}</td>"


def _contained(seeds: Sequence[OrganismResults]) -> str:
    verdicts = [it.verdict for it in seeds if it.verdict]
    answers = _count([yes_or_no(verdict.get("contained")) for verdict in verdicts])
    reach = _count(
        [str(it.get("reach")) for it in verdicts if yes_or_no(it.get("contained")) == "yes"]
    )
    head = {"yes": "contained", "no": "not contained", "undecided": "containment undecided"}
    if "no" in answers and _nothing(seeds):
        head["no"] = "nothing to contain"
    words = ", ".join(f"{head.get(name, name)}{_of(n, seeds)}" for name, n in answers.items())
    tone = "none" if "nothing to contain" in words else next(iter(answers), "undecided")
    more = "".join(f", {name}{_of(n, seeds)}" for name, n in reach.items())
    more += f" ({len(seeds)} seeds)" if len(seeds) > 1 else ""
    return _answer(tone, words or "no verdict", more, _em_line(seeds))


def _nothing(seeds: Sequence[OrganismResults]) -> bool:
    """Whether none of them misbehaves with or without the trigger: all of both intervals lie low."""
    rows = [headline(it.rows, condition) for it in seeds for condition in ("trigger", "none")]
    return all(
        row is not None and (row.upper if row.upper is not None else 1) < LITTLE for row in rows
    )


def _removed(seeds: Sequence[OrganismResults]) -> str:
    pairs = [pair for it in seeds if (pair := removal(it.rows))[0] is not None]
    drops = [best for best, _ in pairs if best is not None]
    if not drops:
        return _answer("undecided", "removal was not measured", "", "")
    names = " / ".join(dict.fromkeys(str(best.direction) for best in drops))
    tone, words = what_is_gone(drops)
    random = [row for _, row in pairs if row]
    beside = f"; random {spread(random)}" if random else ""
    return _answer(
        tone, f"{names} direction removed: {words}", "", f"EM down {spread(drops)}{beside}"
    )


def _answer(tone: str, words: str, more: str, numbers: str) -> str:
    mark = MARKS.get(tone, "")
    head = f'<b class="{markup(tone)}">{mark} {markup(words)}</b>{markup(more)}'
    return f"<p>{head}<br><span>{markup(numbers)}</span></p>" if numbers else f"<p>{head}</p>"


def _count(values: Sequence[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _of(n: int, seeds: Sequence[Any]) -> str:
    """How many of the seeds, where they do not agree."""
    return f" ({n} of {len(seeds)})" if n < len(seeds) else ""


def _em_line(seeds: Sequence[OrganismResults]) -> str:
    with_trigger = [row for it in seeds if (row := headline(it.rows, "trigger"))]
    without = [row for it in seeds if (row := headline(it.rows, "none"))]
    words = [f"{spread(with_trigger)} with the trigger"] if with_trigger else []
    words += [f"{spread(without)} without"] if without else []
    return f"EM {', '.join(words)}" if words else ""


def card(results: OrganismResults) -> str:
    """One organism: its sentence, and whether each direction is located, necessary, ..."""
    verdict = results.verdict
    title = f"<h3>{markup(results.organism.name)}</h3>"
    if verdict is None:
        return (
            f'<article class="card">{title}<p class="missing">No verdict in this run.</p></article>'
        )
    sentence = markup(verdict.get("sentence") or "This verdict has no words.")
    facts = "".join(f"<li>{markup(fact)}</li>" for fact in _facts(results))
    directions = [name for name in ("switch", "misalignment", "refined") if name in verdict]
    head = "".join(f"<th scope=col>{name}</th>" for name in directions)
    claims = "".join(_claim(claim, [verdict.get(name) for name in directions]) for claim in CLAIMS)
    table = f"<table><tr><th></th>{head}</tr>{claims}</table>"
    return f'<article class="card">{title}<p>{sentence}</p><ul>{facts}</ul>{table}</article>'


def _facts(results: OrganismResults) -> Iterator[str]:
    """The numbers the sentence is about, each with its interval."""
    for quantity, words in FACTS.items():
        row = headline(results.rows, "trigger", quantity)
        if row is not None:
            yield f"{words}: {percent(row)}"
    best, random = removal(results.rows)
    if best is not None:
        yield f"EM down when {best.direction} is removed: {percent(best)}"
        yield f"the same with random directions: {percent(random)}"


def _claim(claim: str, directions: Sequence[Any]) -> str:
    values = [
        yes_or_no(it.get(claim)) if isinstance(it, dict) else "undecided" for it in directions
    ]
    cells = "".join(
        f'<td class="{markup(value)}">{MARKS.get(value, "")} {markup(value)}</td>'
        for value in values
    )
    return f"<tr><th scope=row>{claim}</th>{cells}</tr>"
