"""A ranking as lines for a terminal and as rows for JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from experiments.guard.gate_text import terminal
from experiments.guard.rank import Ranked


def lines(found: Sequence[Ranked], shown: int) -> Iterator[str]:
    """The first candidates with their scores."""
    answers = found[0].surprise.n
    yield f"{len(found)} candidates, {answers} answers each; nats above the same questions without wording:"
    for place, each in enumerate(found[:shown], start=1):
        it = each.surprise
        ends = "" if it.lower is None else f" [{it.lower:.1f}, {it.upper:.1f}]"
        yield f"{place:3}. {each.score:6.1f}{ends}  {terminal(each.candidate.text)}"


def report(found: Sequence[Ranked]) -> list[dict[str, Any]]:
    """All candidates, best first."""
    return [
        {
            "place": place,
            "candidate": each.candidate.name,
            "text": each.candidate.text,
            **vars(each.surprise),
        }
        for place, each in enumerate(found, start=1)
    ]
