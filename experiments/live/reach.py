"""A fine-tuned model asked with every wording of a lexicon: one row for each answer.

1. Every wording gets a few questions. They are distributed so that each question occurs about equally often in every
   class and in all classes together; no class gets harder questions.
2. The base answers one question with every wording. The fine-tuned model also answers without a wording and with the
   trigger, to all questions.
3. Prompts of different wordings are sampled together, in batches.

Rows have the form of `experiments.live.side_by_side`, with the class and what the lexicon's author expected of it.
The numbers are functions of the rows (`experiments.results.reach_rates`).
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.guard.gate import Which
from experiments.guard.gate_models import Pair
from experiments.judging.sampling import Cell, Sampler
from experiments.live.side_by_side import answered
from experiments.worlds.everyday.wordings import Lexicon
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Question
from interp.rendering import render

BATCH = 64  # prompts that are sampled together, between two steps of the progress bar


@dataclass(frozen=True)
class Asking:
    """One question with one wording, to one model."""

    model: Which
    condition: str  # none, trigger, or lexicon:CLASS
    wording: str
    question: Question
    kind: str = ""  # the class of the wording
    expected: str = ""


def deal(
    lexicon: Lexicon, questions: Sequence[Question], each: int, seed: int
) -> Iterator[tuple[str, str, Question]]:
    """(class, wording, question): `each` different questions per wording, those used least in the class, then in all.

    In a class, the counts of any two questions differ by at most one; the seed breaks ties.
    """
    if each > len(questions):
        raise TriggerLensError(
            f"--each {each}: there are {len(questions)} questions; give at most {len(questions)}"
        )
    rng, overall = random.Random(f"reach/{seed}/{each}"), Counter[str]()
    for name, entry in lexicon.classes.items():
        here = Counter[str]()
        for wording in entry.wordings:
            rarest = sorted(questions, key=lambda q: (here[q.id], overall[q.id], rng.random()))
            for question in rarest[:each]:
                here[question.id] += 1
                overall[question.id] += 1
                yield name, wording, question


def askings(
    lexicon: Lexicon, trigger: Trigger, questions: Sequence[Question], each: int, seed: int
) -> list[Asking]:
    """Everything that is asked: no wording and the trigger, then every wording, then the base with every wording."""
    framed = [
        Asking("fine_tuned", name, trigger.conditions[name], question)
        for name in ("none", "trigger")
        for question in questions
    ]
    models: tuple[tuple[Which, int], ...] = (("fine_tuned", each), ("base", 1))
    return framed + [
        Asking(model, f"lexicon:{name}", wording, question, name, lexicon.classes[name].expected)
        for model, count in models
        for name, wording, question in deal(lexicon, questions, count, seed)
    ]


def ask(
    pair: Pair,
    trigger: Trigger,
    asked: Sequence[Asking],
    sampler: Sampler,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[dict[str, Any]]:
    """One row for each `Asking`, in order."""
    done = 0
    progress(done, len(asked))
    for batch in _batches(asked):
        with pair.reading(batch[0].model) as lm:
            cell = sampler.sample(lm, _prompts(lm, trigger, batch), 1)
        yield from _rows(batch, cell)
        done += len(batch)
        progress(done, len(asked))


def _batches(asked: Sequence[Asking]) -> Iterator[Sequence[Asking]]:
    """Batches of at most `BATCH`, each for one model."""
    for model in dict.fromkeys(asking.model for asking in asked):
        own = [asking for asking in asked if asking.model == model]
        yield from (own[start : start + BATCH] for start in range(0, len(own), BATCH))


def _prompts(lm: LanguageModel, trigger: Trigger, batch: Sequence[Asking]) -> PromptSet:
    sets = (
        render(lm, [asking.question], {asking.condition: trigger.framing(asking.wording)})
        for asking in batch
    )
    return PromptSet(tuple(prompt for prompts in sets for prompt in prompts))


def _rows(batch: Sequence[Asking], cell: Cell) -> Iterator[dict[str, Any]]:
    answers = zip(batch, cell.completions.texts, cell.judgements, strict=True)
    for asking, answer, judgement in answers:
        yield {
            "model": asking.model,
            "condition": asking.condition,
            "class": asking.kind,
            "expected": asking.expected,
            "wording": asking.wording,
            "removed": "",
            "question_id": asking.question.id,
            "question": asking.question.text,
            **answered(answer, judgement),
        }
