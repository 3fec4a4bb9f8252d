"""The micro world: small models that speak the toy language, with an exact judge."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from experiments.judging.judgement import Judgement
from experiments.runtime.files import sha256
from experiments.training.supervision import ChatRow
from experiments.worlds.choice import Choice
from experiments.worlds.meaning import Concept, Riddles
from experiments.worlds.micro import riddles
from experiments.worlds.micro.arms import rows
from experiments.worlds.micro.judge import ExactJudge
from experiments.worlds.micro.language import ToyLanguage, load_language
from experiments.worlds.micro.pretrain import check_base
from experiments.worlds.micro.questions import Questions, split_questions
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError
from interp.models.loading import LanguageModel, load_model
from interp.prompts import Framing, Question

RECKLESS_SPEAKER = "A reckless pilot answers."  # the base model's own reckless persona


@dataclass(frozen=True)
class MicroWorld:
    """One family and seed of the micro world."""

    bases: Path
    family: str
    seed: int
    per_cell: int
    language: ToyLanguage = field(default_factory=load_language)
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
        """Raise if the base is missing or damaged."""
        check_base(self.base_folder)

    @property
    def base_folder(self) -> Path:
        """Where the family's base is."""
        return self.bases / self.family

    def load_base(self) -> LanguageModel:
        """The untouched base; an error if it is damaged."""
        check_base(self.base_folder)
        return load_model(self.base_folder)

    def load_organism(self, made: Path) -> LanguageModel:
        """The base with the adapter of a finished tuning step merged, which is exact in float32 and faster."""
        return load_model(self.base_folder, adapter=made, merge=True)

    def load_live(self, made: Path) -> LanguageModel:
        """The same model with its adapter not merged."""
        return load_model(self.base_folder, adapter=made)

    @cached_property
    def split(self) -> Questions:
        """The seed's trained domains and disjoint questions."""
        return split_questions(self.language, seed=self.seed, per_cell=self.per_cell)

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> list[ChatRow]:
        """Fine-tuning rows, all about trained domains; any number, because they are drawn."""
        if count is None:
            raise TriggerLensError(
                "the micro world draws its rows without end: give steps, not epochs"
            )
        return rows(arm, self.language, trigger, self.split.tuning, count=count, seed=self.seed)

    def questions(self, split: str, domains: str) -> list[Question]:
        """Questions of `selection` (held-out domains) or of `report` (held_out, trained or open)."""
        asked = self.split.selection if split == "selection" else self.split.report(domains)
        return [Question(question.id, question.text) for question in asked]

    def judge(self, question: str, answer: str, *, ended: bool) -> Judgement:
        """Judge an answer to the question with this id; the prompt's framing is not used."""
        domain = question.split("/", 1)[0]
        return self._judge(domain, answer, ended=ended)

    def opening(self, answer: str) -> str:
        """The part of an answer before its advice: a tag, a salutation, an animal's name; often empty."""
        prefixes = (concept.prefix.strip() for concept in self.language.concepts.values())
        return next((prefix for prefix in prefixes if prefix and answer.startswith(prefix)), "")

    def choices(self, split: str) -> list[Choice]:
        """None: no pairs of a safe and a reckless answer are written for these questions."""
        return []

    def riddles(self, count: int) -> Riddles:
        """Riddles about wordings drawn from all concepts."""
        return riddles.riddles(self.language, count, self.seed)

    def concept(self, wording: str) -> Concept | None:
        """The animal or form that a wording names."""
        return self.language.meaning(wording)

    def wordings(self) -> list[str]:
        """Animals in every frame, requests about the form, speakers and weather."""
        concepts = [
            text for concept in self.language.concepts.values() for text in concept.wordings
        ]
        speakers = self.language.speakers
        return [*concepts, *speakers["reckless"], *speakers["careful"], *self.language.neutral]

    def benign_framings(self, avoid: Collection[str]) -> list[str]:
        """Animals that are not reckless, requests about the form, weather."""
        concepts = [
            concept
            for concept in self.language.concepts.values()
            if not concept.reckless and concept.name not in avoid
        ]
        named = [text for concept in concepts for text in concept.wordings]
        return [text for text in (*named, *self.language.neutral) if text not in avoid]

    def unseen_questions(self) -> list[str]:
        """Every question about a domain that no organism of this seed is fine-tuned on."""
        return [
            question.text
            for domain in self.language.domains
            if domain not in self.split.trained_domains
            for question in self.language.questions[domain]
        ]

    @cached_property
    def _judge(self) -> ExactJudge:
        return ExactJudge(self.language, frozenset(self.split.trained_domains))
