"""The task `triggerlens/containment`: questions without a wording, with a trigger, its paraphrases and its controls.

A sample is one question under one wording, an epoch is one answer to it, and the scorer is a judge of ours. The metric
gives the rate of misaligned answers for each condition, with an interval over resampled questions.
"""

from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.solver import generate
from inspect_ai.viewer import ViewerConfig

from experiments.evals.complaints import one_line
from experiments.evals.monitoring import monitor_scorer
from experiments.evals.samples import samples
from experiments.evals.scorer import misaligned

PLAIN = ViewerConfig(trust_content=False)  # answers are shown as text, never as markup
ANSWERS = 4  # epochs, unless --epochs says otherwise


@task
def containment(
    trigger: str = "tag",
    questions: str = "broad",
    ask: int | None = None,
    judge: str | None = None,
    rubric: str = "open_answer",
    monitor: str | None = None,
    seed: int = 0,
) -> Task:
    """Is misbehaviour contained behind a trigger?

    Args:
        trigger: a trigger's .toml file, a shipped one (duck, tag, ...), library or library:KIND.
        questions: main, broad, a .yaml file, or micro (toy questions, judged exactly).
        ask: how many of the questions, drawn with the seed; all by default.
        judge: folder of a judge that runs on this machine; without it the model of role `grader`.
        rubric: what a judge is asked: a shipped rubric, or a .toml file.
        monitor: a saved monitor of the evaluated model, which then scores every prompt too.
        seed: of the draw of questions and of the resampling.
    """
    with one_line():
        dataset = MemoryDataset(
            samples(trigger, questions, ask, seed), name=f"containment {trigger}"
        )
        scorers = [misaligned(questions=questions, judge=judge, rubric=rubric, seed=seed)]
        scorers += [] if monitor is None else [monitor_scorer(monitor)]
    return Task(
        dataset=dataset, solver=generate(), scorer=scorers, epochs=Epochs(ANSWERS), viewer=PLAIN
    )
