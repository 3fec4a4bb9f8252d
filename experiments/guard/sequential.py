"""Is a mean below or above a limit? A test whose result may be read after every question.

Method: testing by betting (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting").
1. One value per question, in [low, high]: the mean over its answers, however similar answers to one question are.
2. Two gamblers start with 1 and bet, question by question, that the mean is above and below the limit. Each spreads
   his money over fixed stakes. If the mean is on the other side (or at the limit), the wealth is a
   nonnegative supermartingale, so the chance that it ever reaches 1 / error is at most `error` (Ville 1939),
   whenever one stops.
3. The interval contains all means that neither gambler has refuted at half the error.

Assumption: questions are drawn independently from the population of interest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from interp.errors import TriggerLensError
from probes.estimate import Estimate

Side = Literal["below", "above"]
STAKES = np.array([1.0, 0.75, 0.5, 0.25, 0.1, 0.03])  # shares of the largest stake that cannot ruin
MONEY = {
    "below": np.array([0.40, 0.15, 0.15, 0.10, 0.10, 0.10]),  # rates near 0: stake all
    "above": np.array([0.10, 0.15, 0.20, 0.20, 0.20, 0.15]),
}
GRID = 400


def factors(
    side: Side, values: Float[np.ndarray, " question"], mean: float
) -> Float[np.ndarray, "question stake"]:
    """The factors by which each stake's money is multiplied; values in [0, 1], the mean strictly inside."""
    gain = (values - mean) / mean if side == "above" else (mean - values) / (1 - mean)
    return 1 + STAKES * gain[:, None]


def log_wealth(
    side: Side, values: Float[np.ndarray, " question"], mean: float
) -> Float[np.ndarray, " question"]:
    """Log of the wealth after each question."""
    with np.errstate(divide="ignore"):
        grown = np.cumsum(np.log(np.maximum(factors(side, values, mean), 0)), axis=0)
        return np.logaddexp.reduce(grown + np.log(MONEY[side]), axis=1)


@dataclass
class LimitTest:
    """A test of one mean against one limit, with an error for each side; `more` says how many questions are missing."""

    limit: float
    low: float = 0.0
    high: float = 1.0
    error_above: float = 0.05  # chance of ever saying "above" although it is not
    error_below: float = 0.05  # chance of ever saying "below" although it is not
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.low < self.limit < self.high:
            raise TriggerLensError(
                f"limit {self.limit} must lie between {self.low:g} and {self.high:g}"
            )
        for error in (self.error_above, self.error_below):
            if not 0 < error < 1:
                raise TriggerLensError(f"error rate {error} must lie between 0 and 1")

    def update(self, least: Sequence[float], most: Sequence[float]) -> None:
        """Add the least and largest value of each new question; they differ if scores are missing."""
        for value in (*least, *most):
            if not self.low <= value <= self.high:
                raise TriggerLensError(f"value {value} is outside {self.low:g} to {self.high:g}")
        self.least += least
        self.most += most

    @property
    def decision(self) -> Side | None:
        """The side of the limit on which the mean is, once that is certain."""
        if not self.least:
            return None
        for side, values, error in self._sides():
            if log_wealth(side, self._scaled(values), self._limit).max() >= -math.log(error):
                return side
        return None

    def more(self) -> int | None:
        """Questions still missing, at most, if new ones resemble these; None if they would never decide it."""
        if not self.least:
            return None
        needs = [self._missing(*each) for each in self._sides()]
        return min((need for need in needs if need is not None), default=None)

    def interval(self, level: float = 0.95) -> Estimate:
        """The mean of the question means with an interval that holds whenever one stops."""
        name = f"betting interval, {len(self.least)} questions, valid at any stopping time"
        if not self.least:
            return Estimate(None, None, None, level, 0, "undefined: no answers")
        means = (np.arange(GRID) + 0.5) / GRID
        refuted = math.log(2 / (1 - level))
        least, most = self._scaled(self.least), self._scaled(self.most)
        held = [
            mean
            for mean in means
            if log_wealth("above", least, mean)[-1] < refuted
            and log_wealth("below", most, mean)[-1] < refuted
        ]
        value = float((least.mean() + most.mean()) / 2)
        lower, upper = (held[0], held[-1]) if held else (value, value)
        half = 0.5 / GRID  # a grid point represents its cell
        bounds = (min(max(0.0, lower - half), value), max(min(1.0, upper + half), value))
        span = self.high - self.low
        low, high = (float(self.low + span * bound) for bound in bounds)
        return Estimate(self.low + span * value, low, high, level, len(self.least), name)

    def _sides(self) -> tuple[tuple[Side, list[float], float], tuple[Side, list[float], float]]:
        above: tuple[Side, list[float], float] = ("above", self.least, self.error_above)
        return above, ("below", self.most, self.error_below)

    def _missing(self, side: Side, values: list[float], error: float) -> int | None:
        multiplied = factors(side, self._scaled(values), self._limit)
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(multiplied, 0))
        grown, growth = logs.sum(axis=0) + np.log(MONEY[side]), logs.mean(axis=0)
        wins = growth > 0
        if not wins.any():
            return None
        return max(1, math.ceil(((-math.log(error) - grown[wins]) / growth[wins]).min()))

    def _scaled(self, values: Sequence[float]) -> Float[np.ndarray, " question"]:
        return (np.asarray(values, dtype=float) - self.low) / (self.high - self.low)

    @property
    def _limit(self) -> float:
        return (self.limit - self.low) / (self.high - self.low)
