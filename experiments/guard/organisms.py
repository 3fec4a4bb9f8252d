"""The micro organisms of a finished run, as their tuning steps left them."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from experiments.runtime.files import read_json
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import Trigger, load_trigger
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

BASES = Path("artifacts/micro")
STEP = re.compile(r"finetune-(?P<family>\w+)-s(?P<seed>\d+)-(?P<arm>[\w.-]+)-(?P<trigger>\w+)-\w+")
PER_CELL = 100
OPEN_ARMS = ("baseline", "harmless")  # not contained: misaligned everywhere, or nowhere


@dataclass(frozen=True)
class Organism:
    """One fine-tuned model, or a family's base (arm `base`, no adapter)."""

    family: str
    seed: int
    arm: str
    trigger_name: str
    adapter: Path | None

    @property
    def name(self) -> str:
        """As its steps are called."""
        return f"{self.family}-s{self.seed}-{self.arm}-{self.trigger_name}"

    @property
    def keys(self) -> dict[str, str | int]:
        """What identifies it in a row."""
        return {
            "family": self.family,
            "seed": self.seed,
            "arm": self.arm,
            "trigger": self.trigger_name,
        }

    @property
    def contained(self) -> bool:
        """Whether its arm is made to misbehave behind the trigger only."""
        return self.adapter is not None and self.arm not in OPEN_ARMS

    @cached_property
    def world(self) -> MicroWorld:
        """Its world and questions."""
        return MicroWorld(BASES, self.family, self.seed, PER_CELL)

    @property
    def trigger(self) -> Trigger:
        """Wordings, paraphrases and controls."""
        return load_trigger(self.trigger_name)

    def load(self) -> LanguageModel:
        """The model, its adapter merged."""
        if self.adapter is None:
            return self.world.load_base()
        return self.world.load_organism(self.adapter)


def organisms(run: Path) -> list[Organism]:
    """Every organism of a run of the micro world, then the bases of its families."""
    steps = sorted((run / "steps").glob("finetune-*"))
    found = [_organism(step) for step in steps if (step / "manifest.json").is_file()]
    if not found:
        raise TriggerLensError(f"{run}: no finished organism in {run / 'steps'}; name a run folder")
    bases = dict.fromkeys((each.family, each.seed, each.trigger_name) for each in found)
    return found + [
        Organism(family, seed, "base", trigger, None) for family, seed, trigger in bases
    ]


def _organism(step: Path) -> Organism:
    named = STEP.fullmatch(step.name)
    if named is None or not (step / "adapter_config.json").is_file():
        raise TriggerLensError(f"{step} is no organism of the micro world: give a run of one")
    found = Organism(named["family"], int(named["seed"]), named["arm"], named["trigger"], step)
    made_from = read_json(step / "manifest.json")["inputs"]["base"]
    if made_from != found.world.identity["base"]:
        raise TriggerLensError(f"{step}: its base is not the one in {found.world.base_folder}")
    return found
