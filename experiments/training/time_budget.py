"""When to measure, and how much, so that measuring takes no more than a given share of a training's time.

1. The first reading asks as few questions as allowed, because its cost is not known beforehand.
2. The cost of later readings is estimated from the last one: in proportion for more questions, the same for fewer. This
   is an overestimate, because questions share a forward pass.
3. The length of the training is estimated from its pace so far. The remaining share, divided by the number of readings
   that are wanted, determines how many questions a reading may ask; it is due as soon as this much time was saved.

Limit: the machine may slow down during a reading. Some of the share is reserved for that, and the time really spent is
counted.
"""

from dataclasses import dataclass

from interp.errors import TriggerLensError

KEPT = 0.8  # part of the share that is planned with


@dataclass
class TimeBudget:
    """`share` of the time for about `readings` readings of `fewest` to `most` questions; all times in seconds."""

    share: float
    readings: int
    fewest: int
    most: int
    spent: float = 0.0
    done: int = 0
    _last: tuple[int, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise TriggerLensError(
                f"budget={self.share}: give a share of the time, such as 0.05 for five percent"
            )
        if self.readings < 1 or not 1 <= self.fewest <= self.most:
            raise TriggerLensError(
                f"readings={self.readings}, fewest_questions={self.fewest}, {self.most} questions: give at least one"
                " reading, and at least as many questions as the fewest"
            )

    def questions_now(self, elapsed: float, progress: float) -> int:
        """How many questions to ask, `elapsed` after the start with `progress` (0 to 1) of the steps done; 0: none."""
        if self._last is None:
            return self.fewest
        if self.done >= 2 * self.readings or progress <= 0:
            return 0
        asked, cost = self._last
        saved = KEPT * self.share * elapsed - self.spent
        planned = saved if progress >= 1 else KEPT * self.share * elapsed / progress / self.readings
        wanted = max(self.fewest, min(self.most, int(asked * planned / cost)))
        return wanted if saved >= cost * max(1.0, wanted / asked) else 0

    def spend(self, seconds: float, questions: int) -> None:
        """Record that a reading of `questions` questions took `seconds`."""
        self.spent, self.done = self.spent + seconds, self.done + 1
        self._last = (questions, max(seconds, 1e-9))
