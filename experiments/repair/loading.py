"""How the command loads base and adapters, and which wordings it tries after a repair."""

from pathlib import Path

from experiments.models import load_model
from experiments.models.options import ModelOptions
from experiments.repair.case import Load
from experiments.worlds.named import named_world
from interp.models.language_model import LanguageModel


def loader(base: str, options: ModelOptions) -> Load:
    """A function that loads the base alone or with an adapter, merged or not."""

    def load(adapter: str | Path | None, merge: bool) -> LanguageModel:
        if adapter is None:
            return load_model(base, **options.base())
        return load_model(base, **options.adapter(str(adapter)), merge=merge)

    return load


def pool_of(questions: str, seed: int) -> tuple[str, ...]:
    """The wordings of a world that has its own; otherwise empty, and nothing is searched."""
    world = named_world(questions, seed)
    return tuple(world.wordings()) if world is not None else ()
