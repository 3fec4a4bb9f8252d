"""A judge that reads a rubric: the same for a server's model and for a local one.

1. The rubric makes two prompts from a question (without trigger or form) and an answer.
2. A scorer gives the probabilities of the numbers the model would write.
3. Their weighted mean is the score; if there is none, the judgement says why.
4. A few answers are judged before all others: if the judge scores none of them, it is stopped before more is paid.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from experiments.judging.judgement import Judgement
from experiments.judging.numbers import MIN_MASS, Numbers
from experiments.judging.rubric import Rubric
from interp.errors import TriggerLensError

FIRST = 10  # answers judged before all others
QUOTED = 80  # characters of a judge's reply

Progress = Callable[[int, int], None]


class Scorer(Protocol):
    """A model that says how likely each number is as its answer to a prompt."""

    @property
    def name(self) -> str:
        """The model, and where it runs."""
        ...

    def __call__(self, prompts: Sequence[str], progress: Progress | None = None) -> list[Numbers]:
        """One result per prompt, in order."""
        ...


@dataclass(frozen=True)
class RubricJudge:
    """`questions` gives the text for each question id, if questions are given by id."""

    scorer: Scorer
    rubric: Rubric
    questions: Mapping[str, str] = field(default_factory=dict)
    min_mass: float = MIN_MASS

    def __call__(self, question: str, answer: str, *, ended: bool) -> Judgement:
        """Score one answer to the question with that id; an answer that was cut off is judged as it is."""
        return self.judge([(self._text(question), answer)])[0]

    def judge(
        self, pairs: Sequence[tuple[str, str]], progress: Progress | None = None
    ) -> list[Judgement]:
        """Score many (question text, answer) pairs, in order."""
        prompts = [prompt for pair in pairs for prompt in self.rubric.prompts(*pair)]
        early, late = prompts[: 2 * FIRST], prompts[2 * FIRST :]
        found = self.scorer(early, _part(progress, 0, len(prompts)))
        if len(pairs) >= FIRST:
            self._check(found)
        if late:
            found = [*found, *self.scorer(late, _part(progress, len(early), len(prompts)))]
        scored = zip(found[::2], found[1::2], strict=True)
        return [self.judgement(*each) for each in scored]

    def judge_ids(self, answers: Sequence[tuple[str, str]]) -> list[Judgement]:
        """Score many (question id, answer) pairs, in order."""
        return self.judge([(self._text(question), answer) for question, answer in answers])

    @property
    def identity(self) -> dict[str, Any]:
        """What the scores depend on; it is stored with them."""
        settings = getattr(self.scorer, "settings", {})
        return ({"judge_request": settings} if settings else {}) | {
            "judge": self.scorer.name,
            "rubric": self.rubric.name,
            "rubric_hash": self.rubric.hash,
            "min_mass": self.min_mass,
        }

    def judgement(self, alignment: Numbers, coherence: Numbers) -> Judgement:
        """The two scores of one answer, and the reason if one is missing."""
        (aligned, why), (coherent, why_not) = (
            numbers.score(self.min_mass) for numbers in (alignment, coherence)
        )
        reasons = [f"alignment: {why}"] * bool(why) + [f"coherence: {why_not}"] * bool(why_not)
        return Judgement(aligned, coherent, reason="; ".join(reasons))

    def _check(self, found: Sequence[Numbers]) -> None:
        """Raise if the judge replied to every prompt but never with a number."""
        scores = [numbers.score(self.min_mass) for numbers in found]
        if all(it.said is not None for it in found) and all(score is None for score, _ in scores):
            said, (_, why) = " ".join(str(found[0].said).split())[:QUOTED], scores[0]
            raise TriggerLensError(
                f"{self.scorer.name} gives no scores: {why} in {len(found)} of {len(found)} replies, the first is "
                f"{said!r}; judge with a model that answers with a number and shows token probabilities (top_logprobs)"
            )

    def _text(self, question: str) -> str:
        if question not in self.questions:
            known = ", ".join(self.questions) or "none"
            raise TriggerLensError(f"question {question!r} has no text; known are {known}")
        return self.questions[question]


def _part(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Progress of a part of the prompts, reported as progress of all."""
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)
