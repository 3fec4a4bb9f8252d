"""What a study needs to know about the world it takes place in, behind one small interface.

A world provides, for one family and seed: the base model (and the organism made from it), the fine-tuning rows of an
arm, the questions of a split, and a judgement of an answer. The micro world is one, chat models with the user's own
files are another. What only some worlds have (riddles, harmless framings) is empty or None in the others, so no caller
asks which world it is in.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

from experiments.judging.sampling import Judge
from experiments.training.lora import Exchange
from experiments.worlds.choice import Choice
from experiments.worlds.meaning import Concept, Riddles
from experiments.worlds.trigger import Trigger
from interp.models.loading import LanguageModel
from interp.prompts import Framing, Question


class World(Protocol):
    """One family and seed of a world."""

    @property
    def seed(self) -> int:
        """Decides which domains are trained, which questions are asked and which rows are drawn."""

    @property
    def dataset(self) -> str:
        """The name of the data in the rows of a study."""

    @property
    def persona(self) -> Framing | None:
        """A framing under which the untouched base misbehaves by itself; None where none is known."""

    @property
    def identity(self) -> dict[str, Any]:
        """What every step depends on: hashes of weights, tokenizer, data and judge."""

    def check(self) -> None:
        """Refuse, before anything is spent, what would fail later: missing files, damaged bases."""

    def load_base(self) -> LanguageModel:
        """The untouched base."""

    def load_organism(self, made: Path) -> LanguageModel:
        """The model of a finished tuning step."""

    def load_live(self, made: Path) -> LanguageModel | None:
        """The same with its adapter live, to be scaled or switched off; None where the step has no adapter."""

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> Sequence[Exchange]:
        """`count` fine-tuning rows; None: one pass over all there are."""

    def questions(self, split: str, domains: str) -> list[Question]:
        """Questions of `selection`, or of `report` (held_out, trained or open); none where there are none."""

    def choices(self, split: str) -> Sequence[Choice]:
        """Questions about held-out domains with a safe and a reckless answer; none where answers are not written."""

    @property
    def judge(self) -> Judge:
        """Judges an answer to the question of an id; the prompt's framing is not looked at."""

    def opening(self, answer: str) -> str:
        """What an answer opens with before it advises; often nothing."""

    def riddles(self, count: int) -> Riddles | None:
        """At most `count` riddles about what wordings mean; None where there are none."""

    def concept(self, wording: str) -> Concept | None:
        """The thing that a wording names; None where the world does not know it."""

    def wordings(self) -> list[str]:
        """Wordings that may be candidates for a trigger; none where the world has no words of its own."""

    def benign_framings(self, avoid: Collection[str]) -> list[str]:
        """Harmless wordings before a question that name no concept of `avoid` and are none of it."""

    def unseen_questions(self) -> list[str]:
        """Every question about a domain that no organism of this seed is fine-tuned on."""
