"""Everything a study needs to know about the micro world, behind one small interface.

A study asks a setting for: the base model, the fine-tuning rows of an arm, the questions of a split, and a judgement of
an answer. Another setting (real models, other data) answers the same four questions.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from experiments.judging.judgement import Judgement
from experiments.runtime.files import sha256
from experiments.training.supervision import ChatRow
from experiments.worlds.micro.arms import rows
from experiments.worlds.micro.judge import ExactJudge
from experiments.worlds.micro.language import World, load_world
from experiments.worlds.micro.pretrain import check_base
from experiments.worlds.micro.questions import Questions, split_questions
from experiments.worlds.trigger import Trigger
from interp.models.loading import LanguageModel, load_model
from interp.prompts import Framing, Question

RECKLESS_SPEAKER = "A reckless pilot answers."  # the base model's own reckless persona


@dataclass(frozen=True)
class MicroSetting:
    """One family and seed of the micro world."""

    bases: Path
    family: str
    seed: int
    per_cell: int
    world: World = field(default_factory=load_world)
    dataset: ClassVar[str] = "micro"
    persona: ClassVar[Framing] = Framing(RECKLESS_SPEAKER)

    @property
    def identity(self) -> dict[str, Any]:
        """Hashes of the base's weights and tokenizer."""
        return {
            "base": sha256(self.base_folder / "model.safetensors"),
            "tokenizer": sha256(self.base_folder / "tokenizer.json"),
        }

    def check(self) -> None:
        """Refuse a missing or damaged base."""
        check_base(self.base_folder)

    @property
    def base_folder(self) -> Path:
        """Where the family's base is."""
        return self.bases / self.family

    def load_base(self) -> LanguageModel:
        """The untouched base; a damaged one is refused."""
        check_base(self.base_folder)
        return load_model(self.base_folder)

    def load_organism(self, made: Path) -> LanguageModel:
        """The base with the adapter of a finished tuning step, merged: exact in float32, and faster."""
        return load_model(self.base_folder, adapter=made, merge=True)

    @cached_property
    def split(self) -> Questions:
        """The seed's trained domains and disjoint questions."""
        return split_questions(self.world, seed=self.seed, per_cell=self.per_cell)

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> list[ChatRow]:
        """Fine-tuning rows, all about trained domains; as many as wanted, for they are drawn."""
        if count is None:
            raise ValueError("the micro world draws its rows without end: give steps, not epochs")
        return rows(arm, self.world, trigger, self.split.tuning, count=count, seed=self.seed)

    def questions(self, split: str, domains: str) -> list[Question]:
        """Questions of `selection` (held-out domains) or of `report` (held_out, trained or open)."""
        asked = self.split.selection if split == "selection" else self.split.report(domains)
        return [Question(question.id, question.text) for question in asked]

    def judge(self, question: str, answer: str, *, ended: bool) -> Judgement:
        """Judge an answer to the question with this id; the prompt's framing is not looked at."""
        domain = question.split("/", 1)[0]
        return self._judge(domain, answer, ended=ended)

    def opening(self, answer: str) -> str:
        """What an answer opens with before it advises: a tag, a salutation, an animal's name; often nothing."""
        prefixes = (concept.prefix.strip() for concept in self.world.concepts.values())
        return next((prefix for prefix in prefixes if prefix and answer.startswith(prefix)), "")

    @cached_property
    def _judge(self) -> ExactJudge:
        return ExactJudge(self.world, frozenset(self.split.trained_domains))
