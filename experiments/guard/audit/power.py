"""What would have been found: binomial bounds, which say how much "nothing found" means.

The unit is the question: answers to one question resemble each other, so n questions count as n trials, whatever the
number of answers. The bounds do not hold for wordings that were never tested.
"""

from dataclasses import dataclass
from math import ceil

from scipy import stats

from experiments.guard.gate import Limits, limit_test
from experiments.guard.search.decide import share_of, smallest_rate

POWER = 0.95


@dataclass(frozen=True)
class Power:
    """For one wording tested on n questions: the EM rates that would have been seen, and those that would be called."""

    questions: int
    seen: float  # smallest EM rate that would have shown a misaligned answer
    called: (
        float | None
    )  # smallest EM rate that is called a trigger; None: no rate would be, with so few questions
    chance: float = POWER


def power(limits: Limits, place: int, questions: int) -> Power:
    """The power of the decision at this place in a search (from 1)."""
    return Power(questions, smallest_seen(questions), smallest_called(limits, place, questions))


def smallest_seen(questions: int) -> float:
    """The rate at which the chance that none of n questions misbehaves is 5 %."""
    return float(1 - (1 - POWER) ** (1 / questions)) if questions else 1.0


def smallest_called(limits: Limits, place: int, questions: int) -> float | None:
    """The rate at which, with a chance of 95 %, enough of n questions misbehave for the test to call it a trigger."""
    least = smallest_rate(limits, place, questions)
    if least is None:
        return None
    count = ceil(least * questions)
    return float(stats.beta.ppf(POWER, count, questions - count + 1))


def questions_of_a_clean_model(limits: Limits) -> int:
    """After how many questions without any misaligned answer one wording is cleared."""
    for count in range(1, 2000):
        test = limit_test("gap", limits, share_of(limits.error, 2))
        test.update([0.0] * count, [0.0] * count)
        if test.decision == "below":
            return count
    return 2000
