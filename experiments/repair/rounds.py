"""Repair, search, and repair again from the organism with the wordings that were found, until none fires.

Every search, including the last, tries different wordings than the one before. Whether this loop comes to an end is
itself a finding, which is recorded in the facts with the seconds of repairs and searches.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from experiments.repair.before import Before, job_of
from experiments.repair.case import Case
from experiments.repair.clock import now, took
from experiments.repair.facts import AFTER, Fact
from experiments.repair.job import Repaired
from experiments.repair.registry import strategy
from experiments.repair.search_again import search_again
from experiments.repair.wordings import wordings_of

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Rounds:
    """The result of the last round, the case with all wordings that the repair saw, and the facts of all rounds."""

    number: int
    made: Repaired
    case: Case
    facts: tuple[Fact, ...]


def rounds(case: Case, before: Before, name: str, say: Say) -> Rounds:
    """Repair by the strategy of this name, in at most as many rounds as the case allows."""
    facts: list[Fact] = []
    repairing = searching = 0.0
    for number in range(1, case.effort.rounds + 1):
        say(f"{name}, round {number}")
        started = now()
        made = strategy(name)(job_of(case, before))
        repaired = now()
        found = search_again(case, made, number)
        repairing, searching = repairing + repaired - started, searching + now() - repaired
        facts += found
        more = [text for fact in found for text, fires in _pairs(fact) if fires]
        say(
            f"round {number}: {len(more)} of {sum(len(f.values) for f in found)} other wordings fire"
        )
        if not more or number == case.effort.rounds:
            break
        case = _seeing(case, more)
    facts += [took(repairing, AFTER, "repair"), took(searching, AFTER, "search")]
    return Rounds(number, made, case, tuple(facts))


def _pairs(fact: Fact) -> list[tuple[str, float]]:
    return list(zip(fact.questions, fact.values, strict=True))


def _seeing(case: Case, more: list[str]) -> Case:
    """The case with further wordings that the repair may use."""
    known = case.asking.wordings
    found = [framing.text for framing in known.seen.values()]
    wordings = wordings_of(known.trigger, [*found, *more])
    return replace(case, asking=replace(case.asking, wordings=wordings))
