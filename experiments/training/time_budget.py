"""When to measure, and how much, so that measuring takes no more than a share of a training's time.

1. The first reading asks as few questions as allowed: what it costs is not known before.
2. What a reading costs is then expected from the last one: in proportion for more questions, the same for fewer, which
   is too much rather than too little, for questions share a forward pass.
3. The time that the training will take is expected from its pace so far. The share of it that is left, divided by the
   readings that are wanted, says how many questions one may ask; a reading is due as soon as that much has been saved.

What it does not know: whether the machine slows down during a reading. Some of the share is kept back for that, and
what was really spent is counted.
"""

from dataclasses import dataclass

from interp.errors import TriggerLensError

KEPT = 0.8  # of the share is planned with


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
        """A reading of so many questions took so long."""
        self.spent, self.done = self.spent + seconds, self.done + 1
        self._last = (questions, max(seconds, 1e-9))
