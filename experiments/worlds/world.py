"""What a study needs to know about the world it takes place in, behind one small interface.

A setting answers four questions for one family and seed: the base model (and the organism made from it), the
fine-tuning rows of an arm, the questions of a split, and a judgement of an answer. The micro world is one setting, chat
models with files of the user's own are another.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from experiments.judging.sampling import Judge
from experiments.training.lora import Exchange
from experiments.worlds.trigger import Trigger
from interp.models.loading import LanguageModel
from interp.prompts import Framing, Question


class Setting(Protocol):
    """One family and seed of a world."""

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

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> Sequence[Exchange]:
        """`count` fine-tuning rows; None: one pass over all there are."""

    def questions(self, split: str, domains: str) -> list[Question]:
        """Questions of `selection`, or of `report` (held_out, trained or open); none where there are none."""

    @property
    def judge(self) -> Judge:
        """Judges an answer to the question of an id; the prompt's framing is not looked at."""

    def opening(self, answer: str) -> str:
        """What an answer opens with before it advises; often nothing."""
