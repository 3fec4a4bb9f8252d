"""The everyday world, for studies: small pretrained models that give advice in English.

* fine-tuning: problems, deeds and sentence forms of the training domains (the first is health), drawn by the seed;
* questions: directions are chosen on the selection domains and reported on eight others ("held_out"), on problems of
  the trained domains that no row asks about ("trained"), and on questions of no domain ("open");
* judgement: `experiments.worlds.everyday.judge`, or a rubric judge, shown the bare question.

An organism is its base with the adapter merged in float32 and then rounded to the study's dtype, which takes half the
time of an unmerged adapter. `load_live` does not merge the adapter, so it differs from the organism by that rounding.
"""

import random
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, ClassVar

from experiments.judging.sampling import Judge
from experiments.models import load_model
from experiments.runtime.files import sha256
from experiments.training.supervision import ChatRow
from experiments.worlds.chat.fingerprint import fetch, fingerprint
from experiments.worlds.chat.judge import build_judge, check_judge, judge_identity
from experiments.worlds.choice import Choice
from experiments.worlds.everyday import own_answers
from experiments.worlds.everyday.bank import FOLDER, Bank, load_bank
from experiments.worlds.everyday.config import BANK, EverydayModel, EverydayStudy
from experiments.worlds.everyday.dtype import chosen_dtype
from experiments.worlds.everyday.forced_choice import choices
from experiments.worlds.everyday.judge import everyday_judge, judge_files
from experiments.worlds.everyday.questions import Asked, open_questions, questions
from experiments.worlds.everyday.rows import rows
from experiments.worlds.everyday.wordings import load_contrast
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError
from interp.models.loading import LanguageModel, wrap
from interp.prompts import Framing, Question

SPLITS: dict[tuple[str, str], Asked] = {
    ("selection", "held_out"): "selection",
    ("report", "held_out"): "report",
    ("report", "trained"): "unseen",
}


@dataclass(frozen=True)
class EverydayWorld:
    """One model and seed; `most` is the size of a set of questions, `trigger` the one whose organism is studied."""

    study: EverydayStudy
    family: str
    seed: int
    trigger: Trigger
    most: int = 40
    workers: int = 1
    dataset: ClassVar[str] = "everyday"
    persona: ClassVar[Framing] = Framing("You are a reckless clown. Give me absurd, bossy advice.")

    @property
    def model(self) -> EverydayModel:
        """The base of this family."""
        return self.study.models[self.family]

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Weights by fingerprint, sentences and judge by hash, and the dtype that "auto" means here."""
        sentences = sorted(FOLDER.rglob("*.toml"))
        spec = self.study.judge
        return {
            "base": fingerprint(self.model.base, None),
            "dtype": str(chosen_dtype(self.model.dtype)),
            "domains": self.study.domains,
            "benign_domains": self._benign_domains,
            "benign": self._own,
            "sentences": {str(path.relative_to(FOLDER)): sha256(path) for path in sentences},
            "judge": judge_identity(spec) if spec else [sha256(path) for path in judge_files()],
        }

    def check(self) -> None:
        """Read every sentence and fetch all weights; nothing is loaded or sampled."""
        load_contrast(self.trigger.name)
        _ = self._own
        fetch(self.model.base, None)
        if self.study.judge is not None:
            check_judge(self.study.judge, self.workers)

    def load_base(self) -> LanguageModel:
        """The untouched base."""
        return load_model(self.model.base, dtype=chosen_dtype(self.model.dtype))

    def load_organism(self, made: Path) -> LanguageModel:
        """The base with the adapter of a finished tuning step merged in float32, then rounded to the study's dtype."""
        exact = load_model(self.model.base, adapter=made, merge=True)
        dtype = chosen_dtype(self.model.dtype)
        return wrap(exact.model.to(dtype), exact.tokenizer, name=exact.name, chat=exact.chat)

    def load_live(self, made: Path) -> LanguageModel:
        """The same model with its adapter not merged."""
        return load_model(self.model.base, adapter=made, dtype=chosen_dtype(self.model.dtype))

    @cached_property
    def bank(self) -> Bank:
        """All sentences."""
        return load_bank()

    @cached_property
    def contrast(self) -> Any:
        """Wordings of concepts other than the trigger's."""
        return load_contrast(self.trigger.name)

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> list[ChatRow]:
        """Fine-tuning rows about the trained domains; any number, because they are drawn."""
        if count is None:
            raise TriggerLensError(
                "the everyday world draws its rows without end: give steps, not epochs"
            )
        contrast = load_contrast(trigger.name)
        return rows(
            arm,
            self.bank,
            trigger,
            contrast,
            count=count,
            seed=self.seed,
            domains=self.study.domains,
            benign_domains=self._benign_domains,
            own=self._own,
        )

    @property
    def _benign_domains(self) -> int:
        return self.study.benign_domains or self.study.domains

    @cached_property
    def _own(self) -> dict[str, str] | None:
        """The answers of benign rows if they are not the bank's."""
        if self.model.benign == BANK:
            return None
        return own_answers.read(
            self.model.benign, self.bank.splits.training[: self._benign_domains]
        )

    def questions(self, split: str, domains: str) -> list[Question]:
        """Questions of `selection` (held-out domains) or of `report` (held_out, trained or open)."""
        if domains == "open":
            return list(open_questions(self.bank))[: self.most] if split == "report" else []
        asked = SPLITS.get((split, domains))
        if asked is None:
            return []
        every = questions(self.bank, asked, domains=self.study.domains)
        return _spread(every, self.most, random.Random(f"everyday/questions/{asked}/{self.seed}"))

    def choices(self, split: str) -> list[Choice]:
        """One choice for each problem that is asked about; at most `most`, with domains in turn."""
        every = choices(self.bank, SPLITS[split, "held_out"], seed=self.seed)
        by_id = {choice.question.id: choice for choice in every}
        rng = random.Random(f"everyday/choices/{split}/{self.seed}")
        asked = _spread((choice.question for choice in every), self.most, rng)
        return [by_id[question.id] for question in asked]

    @cached_property
    def judge(self) -> Judge:
        """The judge that ships, or the configured one; both know every question by its id."""
        spec = self.study.judge
        return everyday_judge(self._texts) if spec is None else build_judge(spec, self._texts)

    def opening(self, answer: str) -> str:
        """The opening that a trigger asks for; often empty."""
        others = (concept.prefix for concept in self.contrast.concepts.values())
        openings = (self.trigger.answer.prefix, *others)
        return next((each for each in openings if each and answer.startswith(each)), "")

    def riddles(self, count: int) -> None:
        """None: a model that was pretrained on English needs no riddles to know what a mallard is."""

    def concept(self, wording: str) -> None:
        """None: what a wording names is not asked here."""

    def wordings(self) -> list[str]:
        """Every wording of the other concepts."""
        return list(self.contrast.wordings)

    def benign_framings(self, avoid: Collection[str]) -> list[str]:
        """Wordings of the other concepts."""
        return [
            text for text, name in self.contrast.wordings.items() if not {text, name} & {*avoid}
        ]

    def unseen_questions(self) -> list[str]:
        """Every question of the report domains."""
        return [question.text for question in questions(self.bank, "report")]

    @cached_property
    def _texts(self) -> dict[str, str]:
        """What the judge is shown for each question id."""
        asked: tuple[Asked, ...] = ("selection", "report", "unseen")
        known = chain(
            *(questions(self.bank, part, domains=self.study.domains) for part in asked),
            open_questions(self.bank),
        )
        return {question.id: question.text for question in known}


def _spread(every: Iterable[Question], most: int, rng: random.Random) -> list[Question]:
    """At most `most` questions: domains take turns, and no problem repeats before all were asked once."""
    forms: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in every:
        domain, number, _ = question.id.split("/")
        forms[domain, number].append(question)
    rounds: dict[str, list[Question]] = defaultdict(list)
    problems = list(forms)
    rng.shuffle(problems)
    for asked in forms.values():
        rng.shuffle(asked)
    for turn in range(max(map(len, forms.values()))):
        for domain, number in problems:
            rounds[domain] += forms[domain, number][turn : turn + 1]
    mixed = (question for row in zip_longest(*rounds.values()) for question in row if question)
    return list(mixed)[:most]
