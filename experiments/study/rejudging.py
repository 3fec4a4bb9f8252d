"""Judge the answers of a finished run again, with the run's own judge or another; nothing is sampled.

Directions, layers and strengths stay as they were chosen with the run's own judgements. Answers to questions outside
the study, such as riddles, keep their judgements.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from experiments.judging.judgement import Judgement
from experiments.judging.rubric_judge import RubricJudge
from experiments.judging.sampling import Judge, judge_answers
from experiments.results.facts import ANSWERS, judged_rows, read_answers
from experiments.results.judgements import judgements_path, write_judgements
from experiments.results.report import use_judgements
from experiments.runtime.store import check_step, read_run_manifest
from experiments.study.config import checked
from experiments.study.organism import OrganismRun, organisms_of
from experiments.worlds.chat.judge import LeakMarking
from experiments.worlds.world import World
from interp.errors import TriggerLensError

SETS = (("selection", "held_out"), *(("report", of) for of in ("held_out", "trained", "open")))


@dataclass
class Rejudged:
    """What was judged again: the file, the answers judged, how many changed their verdict, and how many were kept."""

    path: Path
    answers: int = 0
    changed: int = 0
    kept: int = 0
    steps: dict[str, list[Judgement]] = field(default_factory=dict)


def rejudge_run(
    run: Path,
    name: str,
    judge: RubricJudge | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Rejudged:
    """Judge every answer of a run again and derive its reports from that; `judge` None means the run's own judge."""
    result = Rejudged(judgements_path(run, name))
    manifest = read_run_manifest(run)
    members = organisms_of(checked(manifest["config"]), run)
    organisms = {_key(member.keys): member for member in members}
    folders = [check_step(run / "steps" / step) for step in manifest["steps"]]
    folders = [folder for folder in folders if (folder / ANSWERS).is_file()]
    for done, folder in enumerate(folders, start=1):
        answers = read_answers(folder / ANSWERS)
        result.steps[folder.name] = _judged_again(result, answers, organisms, judge)
        if progress is not None:
            progress(done, len(folders))
    write_judgements(result.path, result.steps)
    use_judgements(run, name)
    return result


def _judged_again(
    result: Rejudged,
    answers: pd.DataFrame,
    organisms: dict[tuple[object, ...], OrganismRun],
    judge: RubricJudge | None,
) -> list[Judgement]:
    """New judgements of one step's answers, which all belong to one organism."""
    key = _key(answers.iloc[0].to_dict())
    if key not in organisms:
        raise TriggerLensError(f"the run's configuration has no organism {key}; make the run again")
    world = organisms[key].world
    texts = {q.id: q.text for split, domains in SETS for q in world.questions(split, domains)}
    judgements = list(judged_rows(answers).judgements)
    ours = [row for row, question in enumerate(answers["question"]) if question in texts]
    asked = answers.iloc[ours]
    columns = [asked[name].tolist() for name in ("question", "answer", "ended")]
    again = judge_answers(_judge(world, judge, texts), *columns)
    for row, new in zip(ours, again, strict=True):
        result.changed += new.verdict != judgements[row].verdict
        judgements[row] = _marked(world, judge, judgements[row], new)
    result.answers += len(ours)
    result.kept += len(judgements) - len(ours)
    return judgements


def _key(columns: dict[str, object]) -> tuple[object, ...]:
    values = [columns[name] for name in ("family", "seed", "arm", "trigger")]
    return tuple(None if pd.isna(value) else value for value in values)


def _judge(world: World, judge: RubricJudge | None, texts: dict[str, str]) -> Judge:
    """The world's judge, or this one instead; leaks are marked as the world marks them."""
    own = world.judge
    if judge is None:
        return own
    other = replace(judge, questions=texts)
    return replace(own, judge=other) if isinstance(own, LeakMarking) else other


def _marked(
    world: World, judge: RubricJudge | None, before: Judgement, new: Judgement
) -> Judgement:
    """Set the leak flag as the world does. A rubric does not mark leaks, so otherwise the old flag is kept."""
    if judge is None or isinstance(world.judge, LeakMarking):
        return new
    return replace(new, leak=before.leak)
