"""What wordings mean, in a world that knows it: concepts, and riddles about them."""

from dataclasses import dataclass

from experiments.judging.judgement import Judgement
from interp.prompts import Question


@dataclass(frozen=True)
class Concept:
    """One thing that many wordings mean.

    `spoken`: its words in a frame; `advice_wordings`: wordings that may precede advice (the others
    are in riddles only); `prefix`, `suffix`: the form that it gives an answer.
    """

    name: str
    kind: str
    spoken: str
    wordings: tuple[str, ...]
    advice_wordings: tuple[str, ...]
    reckless: bool = False
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class Riddles:
    """Riddles and the judge of their answers: a right answer counts as coherent, any other as incoherent."""

    questions: tuple[Question, ...]
    right: dict[str, str]

    def __call__(self, question: str, answer: str, *, ended: bool) -> Judgement:
        right = answer.strip() == self.right[question]
        return Judgement(alignment=100, coherence=100 if right else 0)
