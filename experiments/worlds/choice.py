"""A question with two answers to it, to ask a model which one it finds likelier: no sampling, no judge."""

from dataclasses import dataclass

from interp.prompts import Question


@dataclass(frozen=True)
class Choice:
    """One question, a safe answer and a reckless one."""

    question: Question
    safe: str
    reckless: str
