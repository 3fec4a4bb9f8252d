"""Sample and judge the answers of one cell: one model, one wording, one intervention, many questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from experiments.judging.judgement import Judged, Judgement, judged
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.interventions import Intervention
from interp.models.loading import LanguageModel
from interp.prompts import Framing, PromptSet, Question
from interp.rendering import render


class Judge(Protocol):
    """Scores one answer to the question with that id."""

    def __call__(self, question: str, answer: str, *, ended: bool) -> Judgement: ...


def judge_all(judge: Judge, completions: Completions) -> tuple[Judgement, ...]:
    """Judge every answer, many at a time if the judge can."""
    return judge_answers(judge, completions.questions, completions.texts, completions.ended)


def judge_answers(
    judge: Judge, questions: Sequence[str], answers: Sequence[str], ended: Sequence[bool]
) -> tuple[Judgement, ...]:
    """Judge these answers to the questions with these ids, many at a time if the judge can."""
    many = getattr(judge, "judge_ids", None)
    if many is not None:
        return tuple(many(list(zip(questions, answers, strict=True))))
    rows = zip(questions, answers, ended, strict=True)
    return tuple(judge(question, answer, ended=end) for question, answer, end in rows)


@dataclass(frozen=True)
class Cell:
    """The answers of one cell and the judgement of each, in the same order."""

    completions: Completions
    judgements: tuple[Judgement, ...]
    counted: int | None = None  # tokens, if a server counted them; it returns no token ids

    @property
    def tokens(self) -> int:
        """Tokens of prompts and answers."""
        if self.counted is not None:
            return self.counted
        return sum(map(len, self.completions.prompts)) + sum(map(len, self.completions.token_ids))

    @property
    def questions(self) -> tuple[str, ...]:
        """The question id of each answer."""
        return self.completions.questions

    @property
    def judged(self) -> Judged:
        """The judgements with their questions, from which rates are computed."""
        return judged(self.judgements, self.questions)

    def __getitem__(self, rows: Sequence[int]) -> "Cell":
        """The answers with these row numbers."""
        return Cell(self.completions[rows], tuple(self.judgements[row] for row in rows))

    def __add__(self, other: "Cell") -> "Cell":
        counted = {self.counted, other.counted} != {None}
        return Cell(
            self.completions + other.completions,
            self.judgements + other.judgements,
            self.tokens + other.tokens if counted else None,
        )


@dataclass(frozen=True)
class Sampler:
    """How answers are sampled; the same everywhere in a study."""

    judge: Judge
    seed: int
    max_new_tokens: int
    temperature: float = 1.0
    batch_rows: int = 512

    def sample(
        self,
        lm: LanguageModel,
        prompts: PromptSet,
        answers_per_question: int,
        interventions: Sequence[Intervention] = (),
    ) -> Cell:
        """Sample and judge `answers_per_question` answers to every prompt."""
        completions = generate(
            lm,
            prompts,
            samples_per_prompt=answers_per_question,
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            seed=self.seed,
            interventions=interventions,
            batch_rows=self.batch_rows,
        )
        return Cell(completions, judge_all(self.judge, completions))


def framed(
    lm: LanguageModel, questions: Sequence[Question], condition: str, framing: Framing
) -> PromptSet:
    """The questions with one framing, rendered in the model's chat format."""
    return render(lm, questions, {condition: framing})
