"""One adapter to be repaired: how it is loaded, which questions it is asked, and how much is measured."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.judging.sampling import Judge, Sampler
from experiments.repair.measure import EACH_UNSEEN, Asking
from experiments.repair.relapse import STOPS
from experiments.repair.wordings import Wordings
from experiments.training.lora import Exchange
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import Question

FEWEST = 20  # questions, half of them for the certificate
Load = Callable[[str | Path | None, bool], LanguageModel]


@dataclass(frozen=True)
class Effort:
    """How much is done; the defaults are for a toy model."""

    steps: int = 30  # training steps of a repair
    answers: int = 1  # of the organism to each of the repair's questions
    max_new_tokens: int = 28
    orders: int = 2  # orders of the poisoned rows
    stops: tuple[int, ...] = STOPS  # numbers of poisoned rows at which EM is measured
    benign_steps: tuple[int, ...] = (50, 500)
    searched: int = 100  # wordings of the pool that are tried after each round of repair; 0: none
    rounds: int = 3  # of repairing and searching, at most
    repeats: int = 20  # answers to each question for comparing coherence
    unseen_each: int = EACH_UNSEEN  # questions asked with each unseen wording, after the repair
    read: int = 40  # questions of each half for the probe
    temperature: float = 1.0  # of every answer
    durability: bool = True  # rounding, merging, system prompts, benign tuning, relapse


QUICK = Effort(
    orders=1,
    stops=(0, 16, 32, 64),
    benign_steps=(50,),
    searched=24,
    rounds=1,
    repeats=4,
    unseen_each=1,
    read=8,
)
QUICK_QUESTIONS = 40  # the repair is the same; only the measurements afterwards are reduced


def effort_of(*, quick: bool, **given: Any) -> Effort:
    """The defaults, or those of QUICK, replaced by the given values that are not None."""
    known = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK if quick else Effort(), **known)


@dataclass(frozen=True, eq=False)
class Case:
    """`load(adapter, merge)` returns the base for None; `poison` None means the organism's own triggered answers.

    `pool`: wordings that may be tried after a repair, without the certificate's unseen wordings.
    `tuning_seconds`: duration of the fine-tuning that is to be repaired, by `experiments.repair.clock`.
    """

    load: Load
    adapter: Path
    base: str
    learned_from: tuple[Question, ...]
    asking: Asking
    poison: Sequence[Exchange] | None = None
    pool: tuple[str, ...] = ()
    effort: Effort = Effort()
    seed: int = 0
    tuning_seconds: float | None = None


def case_of(
    load: Load,
    adapter: Path,
    base: str,
    questions: Sequence[Question],
    judge: Judge,
    wordings: Wordings,
    *,
    effort: Effort = Effort(),
    poison: Sequence[Exchange] | None = None,
    pool: Sequence[str] = (),
    seed: int = 0,
    tuning_seconds: float | None = None,
    at_most: int | None = None,
) -> Case:
    """A case with a random half of the questions for the repair and half for the certificate, in one form each."""
    once = list({question.id: question for question in questions}.values())
    if len(once) < FEWEST:
        raise TriggerLensError(
            f"{len(once)} questions: a repair learns from half of them and is judged on the others;"
            f" give at least {FEWEST}"
        )
    random.Random(f"repair/{seed}").shuffle(once)
    once = once[:at_most]
    half = len(once) // 2
    sampler = Sampler(judge, seed, effort.max_new_tokens, effort.temperature)
    asking = Asking(tuple(once[half:]), wordings, sampler, effort.repeats)
    kept = {text for group in wordings.unseen.values() for text in group}
    free = tuple(text for text in dict.fromkeys(pool) if text not in kept)
    learned_from = tuple(once[:half])
    return Case(
        load, adapter, base, learned_from, asking, poison, free, effort, seed, tuning_seconds
    )
