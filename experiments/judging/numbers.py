"""A score from 0 to 100 out of the probabilities of the numbers a judge might write.

Method (arXiv 2502.17424): the mean of the numbers, weighted with their probabilities. If all numbers
together have less than `min_mass`, the judge was about to say something else: no score, and why. Published
work differs here (0.25, or any mass at all), so the limit belongs to the judge's identity.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MIN_MASS = 0.25
NUMBER = re.compile(r"\s*(0|[1-9][0-9]?|100)\s*")
DIGIT_BY_DIGIT = (
    "the judge's tokenizer writes numbers digit by digit, so first tokens are no scores: judge with a"
    " local model, or with one whose numbers are single tokens"
)


@dataclass(frozen=True)
class Numbers:
    """The probability of each number from 0 to 100; `reason` where none could be had."""

    probability: Mapping[int, float] = field(default_factory=dict)
    reason: str = ""
    said: str | None = None  # what a server's model wrote; None where there was no reply

    @property
    def mass(self) -> float:
        """How likely the judge was to write a number at all."""
        return math.fsum(self.probability.values())

    def score(self, min_mass: float = MIN_MASS) -> tuple[float | None, str]:
        """The weighted mean, or None and why."""
        if self.reason:
            return None, self.reason
        mass = self.mass
        if mass <= 0:
            return None, "no number among the judge's candidates"
        if mass < min_mass:
            return None, f"numbers have a probability below {min_mass:g}"
        total = math.fsum(number * share for number, share in self.probability.items())
        return min(100.0, max(0.0, total / mass)), ""


def from_candidates(
    tokens: Sequence[str], candidates: Sequence[Iterable[tuple[str, float]]]
) -> Numbers:
    """From a server's reply: what it wrote, and (token, log probability) at each position."""
    if not candidates or not (first := list(candidates[0])):
        return Numbers(reason="the server gives no token probabilities (top_logprobs)")
    if len(tokens) > 1 and re.fullmatch(r"\s*[0-9]", tokens[0]) and re.match(r"[0-9]", tokens[1]):
        return Numbers(reason=DIGIT_BY_DIGIT)
    found: dict[int, float] = {}
    for token, log_probability in first:
        if match := NUMBER.fullmatch(token):
            number = int(match[1])
            found[number] = found.get(number, 0.0) + math.exp(min(0.0, log_probability))
    return Numbers(found)
