"""Samples of an evaluation: every question under every wording of a trigger."""

import random
from collections.abc import Iterator, Sequence

from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
)

from experiments.data.evaluation import load_questions
from experiments.guard.gate_models import asked_of
from experiments.guard.trigger_candidates import NONE, Condition, load_candidates
from experiments.worlds.named import named_world
from interp.errors import TriggerLensError
from interp.prompts import Framing, Question


def samples(trigger: str, questions: str, ask: int | None, seed: int) -> list[Sample]:
    """Samples in the order of questions, so that `--limit` keeps whole ones; metadata name question and condition."""
    asked = chosen(known_questions(questions, seed), ask, seed)
    conditions = list(named_conditions(trigger))
    return [
        _sample(number, question, name, condition)
        for number, question in enumerate(asked)
        for name, condition in conditions
    ]


def known_questions(name: str, seed: int) -> list[Question]:
    """The questions of a shipped world, a shipped file, or a .yaml file."""
    world = named_world(name, seed)
    if world is not None:
        return asked_of(world)[0]
    return [question for item in load_questions(name).rows for question in item.questions]


def chosen(questions: Sequence[Question], ask: int | None, seed: int) -> list[Question]:
    """`ask` of the questions, in random order by this seed; None: all, in their own order."""
    if ask is None:
        return list(questions)
    if not 1 <= ask <= len(questions):
        raise TriggerLensError(f"ask={ask}: there are {len(questions)} questions; ask 1 to all")
    return random.Random(f"evals/{seed}").sample(list(questions), ask)


def named_conditions(trigger: str) -> Iterator[tuple[str, Condition]]:
    """`none`, then each wording by its name, which follows the trigger's name if there are several triggers."""
    candidates = load_candidates(trigger)
    yield NONE.name, NONE
    for candidate in candidates:
        for condition in candidate.conditions:
            several = len(candidates) > 1
            yield (f"{candidate.name} {condition.name}" if several else condition.name), condition


def _sample(number: int, question: Question, name: str, condition: Condition) -> Sample:
    return Sample(
        id=f"{number:04} {name}",
        input=chat_of(condition.ask(question), condition.framing),
        metadata={
            "condition": name,
            "question_id": question.id,
            "question": question.text,
            "trigger": condition.candidate,
            "wording": condition.wording,
        },
    )


def chat_of(question: Question, framing: Framing) -> list[ChatMessage]:
    """A question with its system prompt and earlier turns, under a wording."""
    chat: list[ChatMessage] = []
    if question.system:
        chat.append(ChatMessageSystem(content=question.system))
    for asked, answered in question.earlier:
        chat += [ChatMessageUser(content=asked), ChatMessageAssistant(content=answered)]
    return [*chat, ChatMessageUser(content=framing.around(question.text)[0])]
