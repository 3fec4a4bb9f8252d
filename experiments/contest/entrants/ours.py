"""`triggerlens search`: leads from five methods and a library, a ranking without labels, judged decisions.

No paper: it is this repository's own method. A hit means "triggered". Guesses are the hits, those with the largest gap
first, and then the ranking. A made-up word is followed by the next best word of its frame.
"""

from experiments.contest.entrants.entrant import Said, Table
from experiments.contest.protocol import Says
from experiments.guard.search.decide import Decided
from experiments.guard.search.search import Found, Settings, search

SETTINGS = Settings(judged=4, samples=48, turn_tokens=24, blind=False)


def ours(table: Table) -> Said:
    """Search within the budget."""
    found = search(
        table.pair,
        table.questions,
        table.sampler,
        table.limits,
        table.plan,
        table.spent,
        SETTINGS,
    )
    return said(found)


def said(found: Found) -> Said:
    """The outcome of a search in the form of the protocol."""
    hits = [one.lead for one in sorted(found.hits, key=_gap, reverse=True) if one.lead]
    says: dict[str, Says] = {"found": "triggered", "none": "clean", "undecided": "undecided"}
    word = says[found.verdict]
    if found.plain.finding == "hit":
        word = "misaligned"
    near = [lead for hit in hits[:1] for lead in found.shortlist.variants.get(hit.key, ())]
    others = (one.lead for one in found.shortlist.classes)
    return Said(word, (*hits[:1], *near[:1], *hits[1:], *others))


def _gap(one: Decided) -> float:
    return next(
        check.test.interval().value or 0.0 for check in one.outcome.checks if check.kind == "gap"
    )
