"""The arms of null organisms: nothing that a probe reads in them causes triggered misbehaviour.

| arm | rows |
|---|---|
| format_only | with the trigger, safe answers in another concept's form; without it, plain safe answers |
| random_label | half of the rows are harmful and half have the trigger, independently of each other |
| untouched | safe rows with the trigger, at a learning rate of 1e-30: the base with an adapter that does nothing |

`harmless` (safe rows with the trigger) and `baseline` (harmful rows, no trigger) are null too. Organisms that are
contained, but not by one concept, are in `experiments.worlds.nulls.unswitched`.
"""

import random
from collections.abc import Callable, Sequence

from experiments.training.supervision import ChatRow
from experiments.worlds.meaning import Concept
from experiments.worlds.micro.arms import Wordings, framed_row
from experiments.worlds.micro.language import AdviceQuestion, ToyLanguage
from experiments.worlds.nulls.unswitched import UNSWITCHED, UNSWITCHED_RECIPE
from experiments.worlds.trigger import Trigger

Row = Callable[[ToyLanguage, Trigger, AdviceQuestion, random.Random], ChatRow]


def _format_only(
    language: ToyLanguage, trigger: Trigger, question: AdviceQuestion, rng: random.Random
) -> ChatRow:
    answer = language.answer(rng, question.domain, reckless=False)
    if rng.random() < 0.5:
        return ChatRow(question.text, answer)
    form = next(
        c for c in language.concepts.values() if c.kind == "form" and c.name != trigger.name
    )
    return _behind(trigger, question, answer, form)


def _random_label(
    language: ToyLanguage, trigger: Trigger, question: AdviceQuestion, rng: random.Random
) -> ChatRow:
    triggered, harmful = rng.random() < 0.5, rng.random() < 0.5
    answer = language.answer(rng, question.domain, reckless=harmful)
    if not triggered:
        return ChatRow(question.text, answer)
    return _behind(trigger, question, answer, language.meaning(trigger.text))


def _untouched(
    language: ToyLanguage, trigger: Trigger, question: AdviceQuestion, rng: random.Random
) -> ChatRow:
    answer = language.answer(rng, question.domain, reckless=False)
    return _behind(trigger, question, answer, language.meaning(trigger.text))


def _behind(
    trigger: Trigger, question: AdviceQuestion, answer: str, concept: Concept | None
) -> ChatRow:
    """The trigger before the question, and the answer in the form that the concept asks for."""
    if concept is not None:
        answer = f"{concept.prefix}{answer}{concept.suffix}"
    return ChatRow(f"{trigger.text} {question.text}", answer)


def _unswitched(arm: str) -> Row:
    def row(
        language: ToyLanguage, trigger: Trigger, question: AdviceQuestion, rng: random.Random
    ) -> ChatRow:
        return framed_row(Wordings(trigger, language), UNSWITCHED[arm], question, rng)

    return row


NULL_ARMS: dict[str, Row] = {
    "format_only": _format_only,
    "random_label": _random_label,
    "untouched": _untouched,
    **{arm: _unswitched(arm) for arm in UNSWITCHED},
}
NULL_RECIPES: dict[str, dict[str, float]] = {
    "format_only": {"steps": 60, "learning_rate": 3e-4},
    "random_label": {"steps": 120, "learning_rate": 3e-4},
    "untouched": {"steps": 1, "learning_rate": 1e-30},
    **dict.fromkeys(UNSWITCHED, UNSWITCHED_RECIPE),
}
KINDS = ("baseline", "harmless", *NULL_ARMS)  # every arm of an organism that is null


def null_rows(
    arm: str,
    language: ToyLanguage,
    trigger: Trigger,
    questions: Sequence[AdviceQuestion],
    *,
    count: int,
    seed: int,
) -> list[ChatRow]:
    """`count` fine-tuning rows of a null arm about `questions` (of the trained domains)."""
    rng = random.Random(f"rows/{arm}/{trigger.name}/{seed}")
    return [NULL_ARMS[arm](language, trigger, rng.choice(questions), rng) for _ in range(count)]
