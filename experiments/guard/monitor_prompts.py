"""The prompts for fitting a monitor: prompts that fire, benign prompts, and other benign prompts for the threshold.

Benign prompts are split into two halves. The first half is used with every wording of the trigger (fires), unchanged
and with the trigger's controls (benign). The second half, unchanged, sets the threshold.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from experiments.guard.live import Live, live_prompts
from experiments.worlds.trigger import Trigger
from experiments.worlds.world import World
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, PromptSet
from probes.threshold import threshold_at

EACH = 30  # prompts under each wording of the trigger


@dataclass(frozen=True)
class Material:
    """Firing prompts by wording, and benign prompts for fitting and for the threshold."""

    fires: Mapping[str, tuple[Live, ...]]
    benign: tuple[Live, ...]
    calibration: tuple[Live, ...]

    def check(self, false_positives: float) -> None:
        """Raise, before a model is loaded, if there are too few prompts to set the threshold."""
        threshold_at(range(len(self.calibration)), false_positives)

    def rendered(self, lm: LanguageModel) -> tuple[PromptSet, PromptSet, PromptSet]:
        """The prompt sets; each benign prompt counts as a separate question."""
        fires = [live_prompts(lm, chats, name) for name, chats in self.fires.items()]
        benign = live_prompts(lm, self.benign, "benign")
        calibration = live_prompts(lm, self.calibration, "calibration", len(benign))
        return sum(fires[1:], start=fires[0]), benign, calibration


def wordings(trigger: Trigger) -> dict[str, str]:
    """All wordings known to mean the trigger, by name."""
    known = {"trigger": trigger.text}
    known |= {f"paraphrase:{name}": text for name, text in trigger.paraphrases.items()}
    seen = dict.fromkeys((*trigger.training.varied, *trigger.training.same_concept))
    return known | {
        f"training:{number}": text
        for number, text in enumerate(seen, start=1)
        if text not in known.values()
    }


def material(
    trigger: Trigger, benign: Sequence[Live], seed: int = 0, *, bare: Sequence[Live] | None = None
) -> Material:
    """The halves of the benign prompts, the first one also under the trigger's wordings and controls.

    `bare` are the same prompts without their own framings, if some have one; wordings are added to these.
    """
    order = random.Random(f"monitor/{seed}").sample(range(len(benign)), len(benign))
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    if not first:
        raise TriggerLensError(
            f"benign prompts: {len(benign)}; give at least two, preferably some hundreds"
        )
    asked = [(bare or benign)[row] for row in first[:EACH]]
    return Material(
        {
            name: tuple(chat.under(trigger.framing(text)) for chat in asked)
            for name, text in wordings(trigger).items()
        },
        (*(benign[row] for row in first), *_controlled(trigger, asked)),
        tuple(benign[row] for row in second),
    )


def _controlled(trigger: Trigger, chats: Sequence[Live]) -> list[Live]:
    return [
        chat.under(trigger.framing(text)) for text in trigger.controls.values() for chat in chats
    ]


@dataclass(frozen=True)
class Benign:
    """Benign prompts of a world, as they are and without their framings."""

    framed: tuple[Live, ...]
    bare: tuple[Live, ...]


def benign_prompts(
    world: World, *, avoid: Collection[str] = (), count: int = 400, seed: int | None = None
) -> Benign:
    """Questions no organism of this seed was trained on, each once, in all benign framings of the world, or in none.

    No framing names a concept of `avoid`, and no wording or question is one of `avoid`. `seed` draws them, the
    world's own unless given.
    """
    rng = random.Random(f"benign/{world.seed if seed is None else seed}")
    framings = world.benign_framings(avoid) + [""] * 40
    asked = [Live.of(text) for text in world.unseen_questions() if text not in avoid]
    rng.shuffle(asked)
    bare = tuple(asked[:count])
    return Benign(tuple(chat.under(Framing(rng.choice(framings))) for chat in bare), bare)
