"""The interface between a study and its world.

A world provides, for one family and seed: the base model (and the organism made from it), the fine-tuning rows of an
arm, the questions of a split, and a judgement of an answer. Examples are the micro world and chat models with the
user's own files. Things that only some worlds have (riddles, harmless framings) are empty or None in the others, so
that callers need not know which world it is.
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
        """A framing under which the untouched base misbehaves; None if none is known."""

    @property
    def identity(self) -> dict[str, Any]:
        """The inputs of every step: hashes of weights, tokenizer, data and judge."""

    def check(self) -> None:
        """Raise, before anything is spent, if something would fail later: missing files, damaged bases."""

    def load_base(self) -> LanguageModel:
        """The untouched base."""

    def load_organism(self, made: Path) -> LanguageModel:
        """The model of a finished tuning step."""

    def load_live(self, made: Path) -> LanguageModel | None:
        """The same model with its adapter not merged, so that it can be scaled or disabled; None without an adapter."""

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> Sequence[Exchange]:
        """`count` fine-tuning rows; None means one pass over all there are."""

    def questions(self, split: str, domains: str) -> list[Question]:
        """Questions of `selection`, or of `report` (held_out, trained or open); possibly empty."""

    def choices(self, split: str) -> Sequence[Choice]:
        """Questions about held-out domains with a safe and a reckless answer; empty if there are no written answers."""

    @property
    def judge(self) -> Judge:
        """Judges an answer to the question with an id; the prompt's framing is not used."""

    def opening(self, answer: str) -> str:
        """The part of an answer before its advice; often empty."""

    def riddles(self, count: int) -> Riddles | None:
        """At most `count` riddles about what wordings mean; None if there are none."""

    def concept(self, wording: str) -> Concept | None:
        """The concept that a wording names; None if the world does not know it."""

    def wordings(self) -> list[str]:
        """Wordings that may be candidates for a trigger; empty if the world has none."""

    def benign_framings(self, avoid: Collection[str]) -> list[str]:
        """Harmless wordings before a question that are not in `avoid` and name no concept of it."""

    def unseen_questions(self) -> list[str]:
        """Every question about a domain that no organism of this seed is fine-tuned on."""
