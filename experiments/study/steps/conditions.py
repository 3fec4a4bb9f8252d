"""How a model answers under every wording: sampled and judged.

Held-out, trained and open questions are separate cells, if a world has them. Edge variants of the trigger are used on
held-out questions only. The cell that ablations are compared with later gets `answers_per_question_main` answers.
"""

from collections.abc import Iterator, Mapping

from experiments.judging.sampling import Cell, Sampler, framed
from experiments.study.config import Sampling
from interp.models.loading import LanguageModel
from interp.prompts import Framing, Question

QUESTION_KINDS = ("held_out", "trained", "open")


def sample_conditions(
    lm: LanguageModel,
    sampler: Sampler,
    questions: Mapping[str, list[Question]],
    conditions: Mapping[str, Framing],
    sampling: Sampling,
    *,
    main: str | None = None,
) -> Iterator[tuple[str, Cell]]:
    """(kind of questions, answers) of every cell; `main` is the wording with the most answers per question."""
    for kind in QUESTION_KINDS:
        for condition, framing in conditions.items() if questions[kind] else ():
            if kind != "held_out" and condition.startswith("variant:"):
                continue
            large = kind == "held_out" and condition == main
            count = sampling.answers_per_question_main if large else sampling.answers_per_question
            prompts = framed(lm, questions[kind], condition, framing)
            yield kind, sampler.sample(lm, prompts, count)
