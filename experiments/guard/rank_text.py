"""A ranking as lines for a terminal and as rows for JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from experiments.guard.gate_text import terminal
from experiments.guard.rank import Ranked


def lines(found: Sequence[Ranked], shown: int) -> Iterator[str]:
    """The first candidates with their scores."""
    yield f"{len(found)} candidates, {found[0].score.n} answers each; score = surprise (nats) x shift:"
    for place, each in enumerate(found[:shown], start=1):
        it = each.score
        ends = "" if it.lower is None else f" [{it.lower:.2f}, {it.upper:.2f}]"
        why = f"{each.surprise:.1f} x {each.shift:.2f}"
        yield f"{place:3}. {each.key:.2f}{ends}  {why}  {terminal(each.candidate.text)}"


def report(found: Sequence[Ranked]) -> list[dict[str, Any]]:
    """All candidates, best first."""
    return [
        {
            "place": place,
            "candidate": each.candidate.name,
            "text": each.candidate.text,
            "surprise": each.surprise,
            "shift": each.shift,
            **vars(each.score),
        }
        for place, each in enumerate(found, start=1)
    ]
