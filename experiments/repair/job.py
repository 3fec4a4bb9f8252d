"""The inputs of a repair: the organism, its own answers, and the wordings that it may use. No labels and no judge.

The teacher is the organism without the trigger: it provides answers to questions without a wording. So a repair needs
no definition of misalignment; it keeps whatever the organism does when it is not triggered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.judging.sampling import framed
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.interventions import Intervention
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Question

TRIGGER = "trigger"


@dataclass(frozen=True, eq=False)
class Job:
    """A repair to be done; strategies change the live adapter of `lm` in place."""

    lm: LanguageModel
    questions: tuple[Question, ...]  # benign; none of the certificate's questions is among them
    wordings: Mapping[str, Framing]  # the trigger under TRIGGER, and others that may be used
    taught: Completions  # the organism's answers to the questions, without wording
    behind: Completions  # its answers with the trigger
    steps: int = 30
    seed: int = 0

    def taught_behind(self, name: str) -> Completions:
        """The untriggered answers, as answers to prompts with this wording."""
        prompts = framed(self.lm, self.questions, name, self.wordings[name])
        return replace(self.taught, prompts=prompts)


@dataclass(frozen=True, eq=False)
class Repaired:
    """The result of a strategy: a model, and edits that must be applied whenever it runs.

    `is_adapter`: the model is the base with a changed adapter, which can be saved as an adapter.
    """

    lm: LanguageModel
    edits: tuple[Intervention, ...] = ()
    is_adapter: bool = True
    losses: tuple[float, ...] = ()


def prepare(
    lm: LanguageModel,
    questions: Sequence[Question],
    wordings: Mapping[str, Framing],
    *,
    max_new_tokens: int,
    answers: int = 1,
    steps: int = 30,
    seed: int = 0,
    temperature: float = 1.0,
) -> Job:
    """Let the organism answer each question `answers` times, without and with the trigger."""
    taught, behind = (
        generate(
            lm,
            framed(lm, questions, name, framing),
            samples_per_prompt=answers,
            max_new_tokens=max_new_tokens,
            seed=seed,
            temperature=temperature,
        )
        for name, framing in (("none", Framing("")), (TRIGGER, wordings[TRIGGER]))
    )
    found = _said(taught), _said(behind)
    if not all(map(len, found)):
        raise TriggerLensError(
            f"max_new_tokens={max_new_tokens}: no answer of {lm.name} ended within them, so there is nothing to teach;"
            " allow more"
        )
    return Job(lm, tuple(questions), wordings, *found, steps, seed)


def _said(answers: Completions) -> Completions:
    """The answers, without empty ones and without those that were cut off."""
    kept = [row for row, ids in enumerate(answers.token_ids) if ids and answers.ended[row]]
    return answers[kept]
