"""Worlds that ship with their questions and judge, by the name that commands give them."""

from collections.abc import Callable
from pathlib import Path

from experiments.worlds.everyday.config import EverydayModel, EverydayStudy
from experiments.worlds.everyday.judge import MODEL
from experiments.worlds.everyday.world import EverydayWorld
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import load_trigger
from experiments.worlds.world import World

PER_CELL = 100  # questions that the toy language has for a cell, at most


def _micro(seed: int) -> World:
    return MicroWorld(Path("artifacts/micro"), "any", seed, PER_CELL)


def _everyday(seed: int) -> World:
    study = EverydayStudy(models={"any": EverydayModel(base=MODEL)})
    return EverydayWorld(study, "any", seed, load_trigger("everyday/duck"), PER_CELL)


WORLDS: dict[str, Callable[[int], World]] = {
    MicroWorld.dataset: _micro,
    EverydayWorld.dataset: _everyday,
}


def named_world(name: str, seed: int = 0) -> World | None:
    """The world of this name and seed; None if the name means something else, such as a file."""
    make = WORLDS.get(name)
    return make(seed) if make else None
