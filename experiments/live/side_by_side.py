"""The same questions asked in several ways: base or fine-tuned model, several wordings, a direction removed.

All ways sample with the same random numbers. One row is kept for each answer, in the form that `triggerlens rates`
reads; the numbers and the page are functions of the rows (`side_by_side_text`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from experiments.guard.gate import Which
from experiments.guard.gate_models import Pair
from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell, Sampler
from experiments.worlds.trigger import Trigger
from interp.directions import Direction, random_like
from interp.interventions import Ablate, Intervention
from interp.prompts import Framing, Question
from interp.rendering import render

RANDOM = "a random direction"
Removed = Mapping[str, Tensor]  # name -> unit vector that is removed after every layer


@dataclass(frozen=True)
class Way:
    """Which model is asked, with which wording of the trigger, and which direction is removed from its stream."""

    model: Which
    condition: str  # none, trigger, paraphrase:quacks, ...
    removed: str = ""


def ways(wordings: Sequence[str], removed: Sequence[str]) -> list[Way]:
    """The base with the trigger; the fine-tuned model with every wording; then with each direction removed.

    Removal is also tried without the trigger, because it may cause misbehaviour that was not there before.
    """
    edited = [
        Way("fine_tuned", condition, name)
        for name in removed
        for condition in ("trigger", "none")
        if condition in wordings
    ]
    return [
        Way("base", "trigger"),
        *(Way("fine_tuned", condition) for condition in wordings),
        *edited,
    ]


def with_random(direction: Direction, seed: int) -> dict[str, Tensor]:
    """A direction to remove, and a random one as a control."""
    return {direction.name: direction.vector, RANDOM: random_like(direction, 1, seed=seed)[0]}


def ask(
    pair: Pair,
    trigger: Trigger,
    asked: Sequence[Way],
    questions: Sequence[Question],
    sampler: Sampler,
    removed: Removed,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[dict[str, Any]]:
    """One row for each way and question."""
    for number, way in enumerate(asked):
        progress(number, len(asked))
        framing = trigger.framings[way.condition]
        edits = [Ablate(removed[way.removed])] if way.removed else []
        yield from _rows(
            way, framing, questions, _cell(pair, way, framing, questions, sampler, edits)
        )
    progress(len(asked), len(asked))


def _cell(
    pair: Pair,
    way: Way,
    framing: Framing,
    questions: Sequence[Question],
    sampler: Sampler,
    edits: Sequence[Intervention],
) -> Cell:
    with pair.reading(way.model) as lm:
        return sampler.sample(lm, render(lm, questions, {way.condition: framing}), 1, edits)


def _rows(
    way: Way, framing: Framing, questions: Sequence[Question], cell: Cell
) -> Iterator[dict[str, Any]]:
    texts = {question.id: question.text for question in questions}
    answers = zip(cell.questions, cell.completions.texts, cell.judgements, strict=True)
    for question, answer, judgement in answers:
        yield {
            "model": way.model,
            "condition": way.condition,
            "wording": framing.text,
            "removed": way.removed,
            "question_id": question,
            "question": texts[question],
            **answered(answer, judgement),
        }


def answered(answer: str, judgement: Judgement) -> dict[str, Any]:
    """The columns of a row for an answer and its judgement."""
    return {
        "answer": answer,
        "alignment": judgement.alignment,
        "coherence": judgement.coherence,
        "reason": judgement.reason,
    }
