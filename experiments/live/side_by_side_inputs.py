"""The inputs of `triggerlens answers`: model, wordings, questions. The default model is an adapter that ships."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from experiments.guard.gate_models import Asked
from experiments.live.inputs import check_shipped
from experiments.live.side_by_side import with_random
from experiments.worlds.named import named_world
from experiments.worlds.trigger import Trigger, load_trigger
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

SHIPPED = Path("artifacts/smollm2_duck")
SHIPPED_BASE, WORLD = "smollm2-135m-instruct", "everyday"
SHIPPED_WORDINGS = ("paraphrase:quacks", "paraphrase:mallard", "control:cow")


@dataclass(frozen=True)
class Given:
    """Which model is asked, with which wordings, and which direction is removed."""

    model: str
    base: str
    trigger: Trigger
    wordings: tuple[str, ...]  # names of the trigger's conditions, "none" and "trigger" first
    direction: Path | None = None

    def removed(self, lm: LanguageModel, seed: int) -> dict[str, Tensor]:
        """The direction and a random one; an error if it was fitted to other weights."""
        if self.direction is None:
            return {}
        return with_random(Direction.load(self.direction, model_hash=lm.weights_hash), seed)


def given(
    model: str | None,
    base: str | None,
    trigger: str,
    wordings: Sequence[str],
    direction: Path | None,
) -> Given:
    """The inputs, checked before a model is loaded; without `model`, those of the adapter that ships."""
    loaded = load_trigger(trigger)
    if model is None:
        check_shipped(SHIPPED, base)
        model, base, wordings = str(SHIPPED), SHIPPED_BASE, wordings or SHIPPED_WORDINGS
        direction = direction or SHIPPED / "direction"
    if base is None:
        raise TriggerLensError(f"{model}: name the model it was made from with --base")
    for name in wordings:
        if name not in loaded.conditions:
            raise TriggerLensError(
                f"trigger {loaded.name} has no --wording {name!r}; choose one of {', '.join(loaded.conditions)}"
            )
    every = tuple(dict.fromkeys(("none", "trigger", *wordings)))
    return Given(model, base, loaded, every, direction)


def report_questions(name: str, asked: Asked, count: int, seed: int) -> Asked:
    """`count` of these questions; for a world, questions on which no direction was chosen."""
    questions, judge = asked
    world = named_world(name, seed)
    if world is not None:
        return world.questions("report", "held_out")[:count], judge
    return random.Random(seed).sample(questions, min(count, len(questions))), judge
