"""Edits of a model's activations from arguments of a command: `-M ablate=PATH -M steer=PATH -M strength=2`.

| argument | meaning |
|---|---|
| `ablate` | directions to remove at every layer: paths without ending, commas between |
| `steer` | one direction to add at its own layer, or a steering file (.safetensors, .npz, .gguf, .json) |
| `strength` | of `steer`: median residual norms for a direction, a factor for a file; 1 by default |

Directions that were fitted to other weights are refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.export.steering import import_steering
from interp.interventions import Ablate, Add, Intervention
from interp.models.language_model import LanguageModel


def edits(
    lm: LanguageModel,
    ablate: str | Sequence[str] | None = None,
    steer: str | None = None,
    strength: float | int | None = None,
) -> tuple[Intervention, ...]:
    """The interventions that these arguments ask for, in the order of the table."""
    if strength is not None and steer is None:
        raise TriggerLensError(f"strength={strength} has nothing to steer with; give steer=PATH")
    if strength is not None and (isinstance(strength, bool | str) or strength != strength):
        raise TriggerLensError(f"strength={strength!r} is not a number; give one such as 2 or -1.5")
    removed = tuple(Ablate(direction(name, lm)) for name in _names(ablate))
    added = (
        ()
        if steer is None
        else tuple(_steering(lm, str(steer), 1 if strength is None else strength))
    )
    return (*removed, *added)


def direction(name: str, lm: LanguageModel) -> Direction:
    """A saved direction that was fitted to this model."""
    found = Direction.load(name, model_hash=lm.weights_hash)
    found.check_fits(lm)
    return found


def _names(ablate: str | Sequence[str] | None) -> list[str]:
    given = ablate.split(",") if isinstance(ablate, str) else ablate or ()
    return [str(name).strip() for name in given]


def _steering(lm: LanguageModel, path: str, strength: float | int) -> Iterator[Any]:
    if Path(f"{path.removesuffix('.safetensors')}.json").is_file():
        yield Add.from_direction(direction(path, lm), strength)
        return
    for edit in import_steering(path, lm):
        yield replace(edit, alpha=strength)
