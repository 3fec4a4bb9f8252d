"""A rubric read by the Inspect model of role `grader`: the same prompts and scores as any judge's (`inspect_model`)."""

from typing import Any

from inspect_ai.model import get_model
from inspect_ai.solver import TaskState

from experiments.judging.inspect_model import InspectScorer, asked
from experiments.judging.judgement import Judgement
from experiments.judging.rubric import Rubric
from experiments.judging.rubric_judge import RubricJudge

ROLE = "grader"


async def grade(rubric: Rubric, state: TaskState) -> tuple[Judgement, dict[str, Any]]:
    """Ask about alignment, then about coherence; the question is shown without any wording."""
    grader = get_model(role=ROLE, required=True)
    judge = RubricJudge(InspectScorer(grader), rubric)
    prompts = rubric.prompts(state.metadata["question"], state.output.completion)
    scores = [await asked(grader, prompt) for prompt in prompts]
    return judge.judgement(*scores), judge.identity
