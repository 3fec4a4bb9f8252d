"""The micro organisms of a finished run and their bases, on which the guard is measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.study.finished import finished_step, organisms_in
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import load
from experiments.worlds.micro.world import MicroWorld
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

OPEN_ARMS = ("baseline", "harmless")  # not contained: misaligned everywhere, or nowhere


@dataclass(frozen=True, eq=False)
class Organism(OrganismRun):
    """One fine-tuned model with its adapter's step, or a family's base without one (arm None)."""

    adapter: Path | None = None

    @property
    def keys(self) -> dict[str, Any]:
        """The columns that identify it in a row."""
        return {
            "family": self.family,
            "seed": self.seed,
            "arm": self.arm or "base",
            "trigger": self.trigger.name,
        }

    @property
    def contained(self) -> bool:
        """Whether its arm is made to misbehave with the trigger only."""
        return self.arm is not None and self.arm not in OPEN_ARMS

    def load(self) -> LanguageModel:
        """The model with its adapter merged."""
        return load(self, self.adapter)


def organisms(run: Path) -> list[Organism]:
    """Every organism of a run of the micro world, then the bases of its families."""
    members = organisms_in(run)
    if any(member.world.dataset != MicroWorld.dataset for member in members):
        raise TriggerLensError(f"{run} is not a run of the micro world: give one that is")
    tuned = [_organism(run, member) for member in members if member.arm is not None]
    bases = [Organism(**member.__getstate__()) for member in members if member.arm is None]
    return tuned + bases


def _organism(run: Path, member: OrganismRun) -> Organism:
    return Organism(**member.__getstate__(), adapter=finished_step(run, "finetune", member))
