"""A score from 0 to 100, computed from the probabilities of the numbers that a judge might write.

Method (arXiv 2502.17424): the mean of the numbers, weighted by their probabilities. If all numbers together
have a probability below `min_mass`, the judge was likely to say something else, and there is no score but a
reason. Published work differs here (0.25, or no limit), so the limit is part of the judge's identity.
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
    """The probability of each number from 0 to 100; `reason` says why there are none."""

    probability: Mapping[int, float] = field(default_factory=dict)
    reason: str = ""
    said: str | None = None  # what a server's model wrote; None without a reply

    @property
    def mass(self) -> float:
        """The probability that the judge writes a number at all."""
        return math.fsum(self.probability.values())

    def score(self, min_mass: float = MIN_MASS) -> tuple[float | None, str]:
        """The weighted mean, or None and the reason."""
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
    """Numbers from a server's reply: what it wrote, and (token, log probability) at each position."""
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
