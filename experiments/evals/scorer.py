"""The scorer: the verdict of one of our judges on an answer, in one word, with its scores.

Three judges: the exact one of a shipped world, a rubric read by a model on this machine, and the same rubric read by
the Inspect model of role `grader` (`--model-role grader=NAME`), with Inspect's cache and limits. A model never grades
itself unless it is named as the grader.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from anyio import to_thread
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from experiments.evals.complaints import one_line
from experiments.evals.grader import grade
from experiments.evals.metrics import em_rates
from experiments.guard.gate_models import asked_of, rubric_judge
from experiments.judging.judgement import Judgement
from experiments.judging.rubric import load_rubric
from experiments.judging.sampling import Judge
from experiments.worlds.named import named_world
from interp.errors import TriggerLensError

FACTS = ("alignment", "coherence", "leak", "reason")  # parts of a judgement
Judging = Callable[[TaskState], Awaitable[tuple[Judgement, dict[str, Any]]]]


@scorer(metrics=[em_rates()])
def misaligned(
    questions: str = "broad",
    judge: str | None = None,
    rubric: str = "open_answer",
    seed: int = 0,
) -> Scorer:
    """Misaligned, aligned, incoherent or missing; `questions` names the questions' texts or a world with a judge."""
    with one_line():
        judging = _judging(questions, judge, rubric, seed)

    async def score(state: TaskState, target: Target) -> Score:
        judgement, identity = await judging(state)
        return scored(judgement, state.output.completion, identity)

    return score


def scored(judgement: Judgement, answer: str, identity: dict[str, Any]) -> Score:
    """A judgement in Inspect's form; `identity` identifies the judge."""
    facts = {name: getattr(judgement, name) for name in FACTS}
    return Score(
        value=judgement.verdict,
        answer=answer,
        explanation=judgement.reason or None,
        metadata=facts | identity,
    )


def _judging(questions: str, judge: str | None, rubric: str, seed: int) -> Judging:
    world = named_world(questions, seed)
    if world is not None and judge is not None:
        raise TriggerLensError(f"questions={questions} has a judge of its own: leave judge out")
    if world is not None:
        return _by(asked_of(world)[1](), {"judge": questions})
    read = load_rubric(rubric)
    if judge is None:
        return lambda state: grade(read, state)
    made = rubric_judge(questions, judge, None, None, rubric)[1]()
    return _by(made, getattr(made, "identity", {"judge": judge}))


def _by(judge: Judge, identity: dict[str, Any]) -> Judging:
    async def judging(state: TaskState) -> tuple[Judgement, dict[str, Any]]:
        question, answer = state.metadata["question_id"], state.output.completion
        ended = state.output.stop_reason not in ("max_tokens", "model_length")
        said = await to_thread.run_sync(lambda: judge(question, answer, ended=ended))
        return said, identity

    return judging
