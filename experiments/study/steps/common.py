"""Shared by several steps: an organism's model, the located directions, and the writer of facts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.judging.sampling import framed
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from interp.directions import Direction
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet

Say = Callable[[str], None]
DIRECTIONS = ("switch", "misalignment", "refined")


def facts_of(organism: OrganismRun, measurement: str, **columns: Any) -> FactWriter:
    """A writer for facts about a step's organism; by default, about held-out report questions."""
    keys = {**organism.keys, "split": "report", "questions": "held_out", **columns}
    return FactWriter(measurement, keys)


def load(organism: OrganismRun, adapter: Path | None) -> LanguageModel:
    """The organism, or the base if there is no adapter."""
    if adapter is None:
        return organism.world.load_base()
    return organism.world.load_organism(adapter)


def held_out_prompts(organism: OrganismRun, lm: LanguageModel, split: str) -> PromptSet:
    """The held-out questions of a split with every condition except the variants."""
    questions = organism.world.questions(split, "held_out")
    names = [
        name for name in organism.trigger.framings if name not in organism.trigger.named("variant")
    ]
    sets = [framed(lm, questions, name, organism.trigger.framings[name]) for name in names]
    return sum(sets[1:], start=sets[0])


@dataclass(frozen=True)
class Located:
    """One direction: the vector that selection questions chose to remove, and the one to add, if there is one."""

    removed: Direction
    added: Direction | None


def read_directions(found: Path) -> list[Located]:
    """The directions that the step `locate` found."""
    return [
        Located(Direction.load(found / f"{name}.removed"), _added(found, name))
        for name in DIRECTIONS
        if (found / f"{name}.choice.json").is_file()
    ]


def _added(found: Path, name: str) -> Direction | None:
    return (
        Direction.load(found / f"{name}.added")
        if (found / f"{name}.added.json").is_file()
        else None
    )


def site(direction: Direction) -> dict[str, Any]:
    """The columns that say which direction it is, and where it was fitted."""
    return {
        "direction": direction.name,
        "source": direction.source,
        "position": direction.position,
        "layer": direction.layer,
    }


def stamp(folder: Path | None) -> str | None:
    """The name of a finished step, which contains the hash of its inputs."""
    return folder.name if folder else None


def dump(model: Any) -> dict[str, Any]:
    return model.model_dump(mode="json")
