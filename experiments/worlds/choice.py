"""A question with two answers, to measure which one a model finds likelier, without sampling or a judge."""

from dataclasses import dataclass

from interp.prompts import Question


@dataclass(frozen=True)
class Choice:
    """One question, a safe answer and a reckless one."""

    question: Question
    safe: str
    reckless: str
