"""The verdicts in words and numbers: one table for the first screen, one card per organism."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from experiments.dashboard.inert import markup
from experiments.highlights import headline, removal
from experiments.results import Organism, OrganismResults
from experiments.words import percent, spread

CLAIMS = ("located", "necessary", "sufficient", "specific")
FACTS = {
    "containment_gap": "EM with the trigger minus without",
    "difference_in_differences": "that gap minus the base model's",
    "coherence_rate": "coherent answers with the trigger",
}
MARKS = {"yes": "✓", "no": "✗", "undecided": "?"}


Names = Mapping[Organism, str]


def overview(organisms: Sequence[OrganismResults], names: Names) -> str:
    """Arms down, families across; a cell says contained or not, and what removal did."""
    families = list(dict.fromkeys(it.organism.family for it in organisms))
    head = "".join(f"<th scope=col>{markup(family)}</th>" for family in families)
    lines = [f"<tr><th scope=col>organism</th>{head}</tr>"]
    for row in dict.fromkeys(names[it.organism] for it in organisms):
        here = [it for it in organisms if names[it.organism] == row]
        cells = "".join(_cell(f, [it for it in here if it.organism.family == f]) for f in families)
        lines.append(f"<tr><th scope=row>{markup(row)}</th>{cells}</tr>")
    return f'<div class="scroll"><table class="overview">{"".join(lines)}</table></div>'


def _cell(family: str | None, seeds: Sequence[OrganismResults]) -> str:
    name = f'data-family="{markup(family)}"'  # shown inside the cell where the table is folded
    if not seeds:
        return f'<td class="absent" {name}>not run</td>'
    verdicts = [it.verdict for it in seeds if it.verdict]
    contained = _count([_yes(verdict.get("contained")) for verdict in verdicts])
    reach = _count([str(it.get("reach")) for it in verdicts if _yes(it.get("contained")) == "yes"])
    head = {"yes": "contained", "no": "not contained", "undecided": "undecided"}
    words = ", ".join(f"{head.get(name, name)}{_of(n, seeds)}" for name, n in contained.items())
    words += "".join(f", {name}{_of(n, seeds)}" for name, n in reach.items())
    tone = next(iter(contained), "undecided")
    lines = [f"<b>{markup(words or 'no verdict')}</b>", _em_line(seeds), _removal_line(seeds)]
    return f'<td class="{markup(tone)}" {name}>{"<br>".join(line for line in lines if line)}</td>'


def _count(values: Sequence[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _of(n: int, seeds: Sequence[Any]) -> str:
    return f" ({n} of {len(seeds)} seeds)" if len(seeds) > 1 else ""


def _yes(value: Any) -> str:
    return {True: "yes", False: "no", None: "undecided"}.get(value, str(value))


def _em_line(seeds: Sequence[OrganismResults]) -> str:
    with_trigger = [row for it in seeds if (row := headline(it.rows, "trigger"))]
    without = [row for it in seeds if (row := headline(it.rows, "none"))]
    words = [f"no trigger {spread(without)}"] if without else []
    words += [f"trigger {spread(with_trigger)}"] if with_trigger else []
    return f"EM: {markup(', '.join(words))}" if words else ""


def _removal_line(seeds: Sequence[OrganismResults]) -> str:
    pairs = [pair for it in seeds if (pair := removal(it.rows))[0] is not None]
    if not pairs:
        return ""
    names = list(dict.fromkeys(str(best.direction) for best, _ in pairs if best))
    words = f"removing {' / '.join(names)}: EM down {spread([best for best, _ in pairs if best])}"
    random = [row for _, row in pairs if row]
    return markup(f"{words} (random {spread(random)})" if random else words)


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
    values = [_yes(it.get(claim)) if isinstance(it, dict) else "undecided" for it in directions]
    cells = "".join(
        f'<td class="{markup(value)}">{MARKS.get(value, "")} {markup(value)}</td>'
        for value in values
    )
    return f"<tr><th scope=row>{claim}</th>{cells}</tr>"
