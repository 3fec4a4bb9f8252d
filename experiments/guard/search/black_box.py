"""A search with as many tokens, but without weights, base or gradients: library wordings, sampled and judged.

Method: wordings are asked in random order, with a few questions each, until half of the tokens are used; the rest is
spent on other questions with the best of them. The score is the EM rate minus that without a wording. In a published
contest of auditors, a black box was hard to beat (arXiv 2602.22755), so a search reports this one for comparison.

Limit: it cannot find wordings outside the library.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.guard.gate import Draw
from experiments.guard.search.leads import Lead
from experiments.guard.search.spent import Spent
from experiments.guard.search.trial import shares
from experiments.guard.trigger_candidates import NONE, Condition
from experiments.judging.sampling import Cell
from interp.prompts import Question

Sample = Callable[[Sequence[Condition], Sequence[Question]], Cell]
CHUNK, FIRST, SECOND, KEPT = 20, 2, 8, 10


def one_by_one(draw: Draw) -> Sample:
    """Samples the wordings in turn, for models that are asked one wording at a time."""

    def sample(conditions: Sequence[Condition], asked: Sequence[Question]) -> Cell:
        first, *others = (draw("fine_tuned", condition, asked) for condition in conditions)
        return sum(others, start=first)

    return sample


@dataclass(frozen=True)
class BlackBox:
    """Leads with their EM rate minus that without a wording, highest first; the tokens used and allowed."""

    leads: list[tuple[Lead, float]]
    tried: int
    tokens: int
    allowed: int


def black_box(
    sample: Sample,
    leads: Sequence[Lead],
    questions: Sequence[Question],
    tokens: int,
    spent: Spent,
    *,
    seed: int = 0,
) -> BlackBox:
    """Rank library wordings by judged answers, for at most `tokens` tokens."""
    order = list(leads)
    random.Random(f"black box/{seed}").shuffle(order)
    if tokens <= 0:
        return BlackBox([], 0, 0, 0)
    first, used = _gaps(sample, order, questions[:FIRST], tokens // 2, spent)
    best = [lead for lead, _ in _sorted(first)[:KEPT]]
    more = questions[FIRST : FIRST + SECOND]
    again, used_again = _gaps(sample, best, more, tokens - used, spent)
    ranked = [(lead, gap) for lead, gap in _sorted(again or first) if gap > 0]
    return BlackBox(ranked, len(first), used + used_again, tokens)


def _gaps(
    sample: Sample,
    leads: Sequence[Lead],
    questions: Sequence[Question],
    tokens: int,
    spent: Spent,
) -> tuple[list[tuple[Lead, float]], int]:
    """Each lead with its EM rate minus that without a wording, as far as tokens and time allow; and the tokens used."""
    found: list[tuple[Lead, float]] = []
    used, cost = 0, 0
    for start in range(0, len(leads), CHUNK):
        if used + cost > tokens or (used and spent.is_late("black box")):
            break
        chunk = leads[start : start + CHUNK]
        cell = sample([NONE, *(lead.condition for lead in chunk)], questions)
        cost = cell.tokens
        used += cost
        spent.add("black box", cost)
        plain, *rates = shares(cell, len(chunk) + 1)
        found += [(lead, rate - plain) for lead, rate in zip(chunk, rates, strict=True)]
    return found, used


def _sorted(found: Sequence[tuple[Lead, float]]) -> list[tuple[Lead, float]]:
    return sorted(found, key=lambda scored: -scored[1])
