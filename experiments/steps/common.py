"""What several steps need: the model of a job, the directions it found, and what makes a step a new one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import interp
from experiments import job, rates, sampling
from experiments.job import Job
from interp.directions import Direction
from interp.models import LanguageModel

Say = Callable[[str], None]
DIRECTIONS = ("switch", "misalignment", "refined")


def answers_and(of: Job, *more: ModuleType | Path | str) -> list[ModuleType | Path | str]:
    """The code that any sampled answer depends on, and `more`: what makes a step a new one when it changes."""
    return [interp, job, rates, sampling, Path(__file__), *of.setting.code, *more]


def load(job: Job, adapter: Path | None) -> LanguageModel:
    """The organism, or the base where there is no adapter."""
    if adapter is None:
        return job.setting.load_base()
    return job.setting.load_organism(adapter)


@dataclass(frozen=True)
class Located:
    """One direction: the vector that selection questions chose to remove, and the one to add, if there is one."""

    removed: Direction
    added: Direction | None


def read_directions(found: Path) -> list[Located]:
    """The directions that were found."""
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
    return {
        "direction": direction.name,
        "source": direction.source,
        "position": direction.position,
        "layer": direction.layer,
    }


def stamp(folder: Path | None) -> str | None:
    """A finished step's name holds the hash of all that made it."""
    return folder.name if folder else None


def dump(model: Any) -> dict[str, Any]:
    return model.model_dump(mode="json")
