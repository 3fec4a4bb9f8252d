"""The micro world for an organism of a null arm: only its fine-tuning rows differ."""

from dataclasses import dataclass

from experiments.training.supervision import ChatRow
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.nulls.arms import null_rows
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError


@dataclass(frozen=True)
class NullWorld(MicroWorld):
    """One family and seed of the micro world, with the rows of null arms."""

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> list[ChatRow]:
        """Fine-tuning rows of a null arm."""
        if count is None:
            raise TriggerLensError(
                "the micro world draws its rows without end: give steps, not epochs"
            )
        questions = self.split.tuning
        return null_rows(arm, self.language, trigger, questions, count=count, seed=self.seed)
