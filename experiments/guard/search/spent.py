"""The tokens and seconds that a search has spent, by part, and whether a part may continue."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Part = Literal["find", "sift", "climb", "rank", "decide", "black box"]
ENDS: dict[Part, float] = {
    "find": 0.15,
    "sift": 0.3,
    "climb": 0.5,
    "rank": 0.6,
    "decide": 0.85,
    "black box": 1.0,
}


@dataclass
class Spent:
    """`seconds` is the budget; a part must end when its share of the budget (`ENDS`) has passed."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    tokens: dict[Part, int] = field(default_factory=dict)
    took: dict[Part, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.started = self.last = self.clock()

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started

    @property
    def before_judging(self) -> int:
        """Tokens that finding and ranking took: as many as the black box may use."""
        before: tuple[Part, ...] = ("find", "sift", "climb", "rank")
        return sum(self.tokens.get(part, 0) for part in before)

    def is_late(self, part: Part) -> bool:
        """Whether the part's share of the time is used up."""
        return self.passed >= ENDS[part] * self.seconds

    def add(self, part: Part, tokens: int) -> None:
        """Add tokens read by a model, prompts included; the time since the last entry counts for this part."""
        now = self.clock()
        self.tokens[part] = self.tokens.get(part, 0) + tokens
        self.took[part] = self.took.get(part, 0.0) + now - self.last
        self.last = now
