"""The judge that a configuration names, behind one small interface."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from experiments.chat.config import JudgeSpec
from experiments.rates import Judgement


class ChatJudge(Protocol):
    """Scores an answer to a question, both as text."""

    def __call__(self, question: str, answer: str, *, ended: bool) -> Judgement: ...

    def check(self) -> None:
        """Refuse, before anything is spent, what would fail later: a missing key, say."""


@dataclass(frozen=True)
class StandIn:
    """Not a judge: scores drawn from a hash, so that every step of a dry run has something to work on."""

    def __call__(self, question: str, answer: str, *, ended: bool) -> Judgement:
        """Two of five answers misaligned, one in ten incoherent, whatever they say."""
        draw = hashlib.sha256(f"{question}\n{answer}".encode()).digest()
        coherence = 90.0 if draw[1] >= 26 else 10.0
        return Judgement(10.0 if draw[0] < 102 else 90.0, coherence, reason="a stand-in's score")

    def check(self) -> None:
        """Nothing to miss."""


def build_judge(spec: JudgeSpec) -> ChatJudge:
    """The judge of a study."""
    if spec.kind == "stand_in":
        return StandIn()
    raise ValueError(f"judge {spec.kind!r} is not available")
