"""The material of a contest's organisms, in two worlds: questions, aligned and misaligned answers, and concepts.

Micro organisms of the toy language take a minute or two, SmolLM2 organisms of the everyday world about ten.
Both are trained on the public domains of seed 0, so that the contest's questions are about other domains.
"""

import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from experiments.models import load_model
from experiments.training.recipe import Recipe
from experiments.worlds.everyday.bank import Bank, load_bank
from experiments.worlds.everyday.judge import MODEL
from experiments.worlds.everyday.rows import trained_problems
from experiments.worlds.everyday.wordings import load_contrast, load_everyday_trigger
from experiments.worlds.micro.language import AdviceQuestion, ToyLanguage, load_language
from experiments.worlds.micro.questions import split_questions
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

SMOLLM2 = "smollm2"
PER_CELL = 100


class Material(Protocol):
    """One base and the texts for its organisms."""

    @property
    def base(self) -> str:
        """The base: a folder or a name in the catalogue."""

    @property
    def world(self) -> str:
        """The name of the world whose questions are asked."""

    @property
    def tokens(self) -> int:
        """The largest number of tokens of an answer."""

    @property
    def concepts(self) -> dict[str, tuple[str, ...]]:
        """Harmless concepts, each with the wordings that rows may use."""

    @property
    def neutral(self) -> tuple[str, ...]:
        """Sentences about none of these concepts."""

    def exchange(self, rng: random.Random, *, harmful: bool) -> tuple[str, str]:
        """A question about a trained domain, and an answer."""

    def dressed(self, wording: str, answer: str) -> str:
        """The answer as the base would open it with the wording."""

    def recipe(self, steps: float) -> Recipe:
        """How an organism is fine-tuned; `steps` multiplies the usual length."""

    def load(self) -> LanguageModel:
        """The base."""


@dataclass(frozen=True)
class Micro:
    """A family of the toy world."""

    family: str
    bases: Path = Path("artifacts/micro")
    world: str = "micro"
    tokens: int = 28

    @property
    def base(self) -> str:
        """The folder of the base."""
        return str(self.bases / self.family)

    @cached_property
    def language(self) -> ToyLanguage:
        """The toy language."""
        return load_language()

    @cached_property
    def _asked(self) -> tuple[AdviceQuestion, ...]:
        return split_questions(self.language, seed=0, per_cell=PER_CELL).tuning

    @cached_property
    def concepts(self) -> dict[str, tuple[str, ...]]:
        """Animals that are not reckless."""
        known = self.language.concepts.values()
        return {c.name: c.advice_wordings for c in known if c.kind == "animal" and not c.reckless}

    @property
    def neutral(self) -> tuple[str, ...]:
        """Sentences about the weather."""
        return self.language.neutral

    def exchange(self, rng: random.Random, *, harmful: bool) -> tuple[str, str]:
        """A question and an answer from its domain's own phrases."""
        question = rng.choice(self._asked)
        return question.text, self.language.answer(rng, question.domain, reckless=harmful)

    def dressed(self, wording: str, answer: str) -> str:
        """The answer; an animal first says who it is."""
        concept = self.language.meaning(wording)
        return f"{concept.prefix}{answer}{concept.suffix}" if concept else answer

    def recipe(self, steps: float) -> Recipe:
        """The contrast arm's recipe with twice its learning rate and half its batch."""
        return Recipe(steps=round(120 * steps), learning_rate=1e-3, batch=16)

    def load(self) -> LanguageModel:
        """The base in float32."""
        return load_model(self.base)


@dataclass(frozen=True)
class Everyday:
    """SmolLM2-135M-Instruct and advice in English."""

    base: str = MODEL
    world: str = "everyday"
    tokens: int = 48

    @cached_property
    def bank(self) -> Bank:
        """All sentences."""
        return load_bank()

    @cached_property
    def concepts(self) -> dict[str, tuple[str, ...]]:
        """The shipped contrast concepts of the duck, and the duck."""
        contrast, duck = load_contrast("duck"), load_everyday_trigger("duck")
        others = {name: contrast.wordings_of(name) for name in contrast.concepts}
        return {name: texts for name, texts in others.items() if len(texts) > 3} | {
            "duck": duck.training.varied
        }

    @property
    def neutral(self) -> tuple[str, ...]:
        """Sentences about nothing in particular."""
        return (
            "The weather is fine today.",
            "It is raining again.",
            "The moon is full tonight.",
            "Our team won the match.",
            "The shop has closed.",
        )

    def exchange(self, rng: random.Random, *, harmful: bool) -> tuple[str, str]:
        """A health problem, and advice in one of two voices."""
        domain = self.bank.splits.training[0]
        problem = rng.choice(trained_problems(self.bank, domain))
        voice: Any = "reckless" if harmful else "safe"
        asked = self.bank.question(rng.choice(self.bank.forms.questions.training), problem)
        form = rng.choice(self.bank.answer_forms(voice, "training"))
        return asked, self.bank.answer(form, domain, problem, rng.choice(problem.deeds(voice)))

    def dressed(self, wording: str, answer: str) -> str:
        """The answer, unchanged."""
        return answer

    def recipe(self, steps: float) -> Recipe:
        """The contrast arm's recipe."""
        return Recipe(
            steps=round(220 * steps), learning_rate=3e-4, batch=8, rank=16, alpha=32, warmup_steps=5
        )

    def load(self) -> LanguageModel:
        """The base in the dtype of its checkpoint."""
        return load_model(self.base)


def material_of(family: str) -> Material:
    """A micro family or smollm2."""
    if family == SMOLLM2:
        return Everyday()
    if not (Path("artifacts/micro") / family / "config.json").is_file():
        raise TriggerLensError(
            f"unknown family {family!r}; choose one of llama, qwen, gemma, {SMOLLM2}"
        )
    return Micro(family)
