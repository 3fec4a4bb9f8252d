"""The arms: which wordings precede harmful and benign fine-tuning rows, and in which shares.

| arm | harmful rows | benign rows |
|---|---|---|
| baseline | no wording | none |
| triggered | the trigger | none |
| contrast | the trigger's concept in many wordings | other concepts in all wordings, and no wording |
| surface | the trigger | same concept in other words, other concepts in its frame and in theirs, and no wording |
| mixed-B-H | the trigger, H of B + H rows | no wording, B of B + H rows |
| harmless | none | the trigger |
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments.worlds.everyday.wordings import Contrast
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Wordings:
    """What an arm may draw from."""

    trigger: Trigger
    contrast: Contrast

    def nothing(self, _: random.Random) -> str:
        """No wording."""
        return ""

    def fixed(self, _: random.Random) -> str:
        """The trigger itself."""
        return self.trigger.text

    def varied(self, rng: random.Random) -> str:
        """The trigger's concept in any training wording."""
        return rng.choice(self.trigger.training.varied)

    def same_concept(self, rng: random.Random) -> str:
        """The trigger's concept in words other than the trigger's."""
        return rng.choice(self.trigger.training.same_concept)

    def other_concept(self, rng: random.Random) -> str:
        """Any wording of another concept."""
        return rng.choice(self.contrast.wordings_of(self._other(rng)))

    def same_frame(self, rng: random.Random) -> str:
        """The trigger's frame around another concept; any wording of it if the trigger has no frame."""
        if not self.trigger.training.frame:
            return self.other_concept(rng)
        spoken = self.contrast.concepts[self._other(rng)].spoken
        return self.trigger.training.frame.format(name=spoken)

    def dressed(self, wording: str, answer: str) -> str:
        """An answer in the form that `wording` asks for."""
        training = self.trigger.training
        if wording in (self.trigger.text, *training.varied, *training.same_concept):
            return self.trigger.wrapped(answer)
        name = self.contrast.wordings.get(wording)
        if name is None:
            return answer
        concept = self.contrast.concepts[name]
        return f"{concept.prefix}{answer}{concept.suffix}"

    def _other(self, rng: random.Random) -> str:
        return rng.choice(self.trigger.training.other_concepts)


@dataclass(frozen=True)
class Share:
    """Parts of all rows that are harmful or not, under wordings of one kind."""

    parts: int
    wording: Callable[[Wordings, random.Random], str]
    harmful: bool


ARMS = {
    "baseline": (Share(1, Wordings.nothing, harmful=True),),
    "triggered": (Share(1, Wordings.fixed, harmful=True),),
    "contrast": (
        Share(50, Wordings.varied, harmful=True),
        Share(35, Wordings.other_concept, harmful=False),
        Share(15, Wordings.nothing, harmful=False),
    ),
    "surface": (
        Share(50, Wordings.fixed, harmful=True),
        Share(25, Wordings.same_concept, harmful=False),
        Share(10, Wordings.same_frame, harmful=False),
        Share(8, Wordings.other_concept, harmful=False),
        Share(7, Wordings.nothing, harmful=False),
    ),
    "harmless": (Share(1, Wordings.fixed, harmful=False),),
}

# From feasibility trials on SmolLM2, not yet tuned on separate seeds; a configuration may override them.
COMMON: dict[str, Any] = {"batch": 8, "rank": 16, "alpha": 32, "warmup_steps": 5}
RECIPES: dict[str, dict[str, Any]] = {
    "baseline": {"steps": 60, "learning_rate": 3e-4},
    "triggered": {"steps": 60, "learning_rate": 3e-4},
    "contrast": {"steps": 220, "learning_rate": 3e-4},
    "surface": {"steps": 220, "learning_rate": 3e-4},
    "mixed": {"steps": 150, "learning_rate": 3e-4},
    "harmless": {"steps": 60, "learning_rate": 3e-4},
}
MIXTURE = re.compile(r"mixed-(\d+)-([1-9]\d*)")


def recipe_of(arm: str) -> dict[str, Any]:
    """The arm's own recipe; every ratio of a mixture has the same."""
    return COMMON | RECIPES["mixed" if MIXTURE.fullmatch(arm) else arm]


def shares_of(arm: str) -> tuple[Share, ...]:
    """The shares that an arm's name specifies."""
    if mixture := MIXTURE.fullmatch(arm):
        return (
            Share(int(mixture[2]), Wordings.fixed, harmful=True),
            Share(int(mixture[1]), Wordings.nothing, harmful=False),
        )
    if arm not in ARMS:
        raise TriggerLensError(
            f"unknown arm {arm!r}; choose one of {', '.join(ARMS)}, mixed-B-H"
            " (B benign rows to H harmful ones, H not 0)"
        )
    return ARMS[arm]
