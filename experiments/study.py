"""The whole study: every organism of a configuration through every step, then the verdicts.

Order: bases answer (their cells are the other half of the 2x2 difference); organisms are tuned, asked, located in and
intervened on; their directions are tried on the baseline arm and on the base. Jobs run in worker processes, one torch
thread each; results do not depend on how many there are. At the end the rows of all steps become `estimates.jsonl`.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from experiments.cluster import ClusterWork, apart, check_place
from experiments.config import StudyConfig
from experiments.estimates import EstimateRow, read_estimates, write_estimates
from experiments.files import read_json, read_jsonl, write_jsonl
from experiments.finetune import quiet
from experiments.job import Job
from experiments.orphans import end_with_parent
from experiments.progress import Board, Progress
from experiments.run_cost import Meter, RunCost
from experiments.steps.behave import behave
from experiments.steps.compare import compare
from experiments.steps.features import features
from experiments.steps.find import find
from experiments.steps.intervene import intervene
from experiments.steps.picture import picture
from experiments.steps.tune import tune
from experiments.store import Run, open_run
from experiments.verdict import verdicts

ANSWERS_SHOWN = 24  # per cell, in the run's answers.jsonl; all answers stay in their steps
DRAWN = ("maps", "features")  # NAME.json of a step: an organism's line of NAME.jsonl
Say = Callable[[str], None]


def run_study(config: StudyConfig, folder: Path, *, on: str | None = None) -> Path:
    """Run (or resume) the study in `folder`, here or `on` a cluster; returns the folder."""
    quiet()
    if on is not None:
        check_place(on)
        folder = folder.absolute()
    meter = Meter(folder, config.chat.judge.transcripts if config.chat else None)
    jobs = jobs_of(config, folder)
    if on is not None:
        jobs = apart(jobs)
    for job in reversed(jobs):  # organisms before bases: they know what data is missing
        job.check()
    bases = [job for job in jobs if job.arm is None]
    organisms = [job for job in jobs if job.arm is not None]
    compared_jobs = [job for job in organisms if job.arm != "baseline"]
    with (
        open_run(folder) as run,
        Progress(len(jobs) + len(compared_jobs)) as progress,
        _work(config, on, progress) as work,
    ):
        untouched = work.run(_measure_base, [(job,) for job in bases])
        base_of = {
            (job.family, job.seed, job.trigger_name): path for job, path in untouched.items()
        }
        made = work.run(_make, [(job, base_of[_place(job)]) for job in organisms])
        baseline = {
            (j.family, j.seed): paths["tune"] for j, paths in made.items() if j.arm == "baseline"
        }
        compared = work.run(
            compare,
            [
                (job, made[job]["find"], baseline.get((job.family, job.seed)))
                for job in compared_jobs
            ],
        )
        folders = [*untouched.values(), *(f for paths in made.values() for f in paths.values())]
        cost = _report(run, config, [*folders, *compared.values()], meter)
    progress.say(f"the run {cost}")
    return folder


def jobs_of(config: StudyConfig, folder: Path) -> list[Job]:
    """Bases first, then organisms in the order of the configuration."""
    organisms = [
        Job(config, folder, family, seed, spec.arm, spec.trigger)
        for family in config.families
        for seed in config.seeds
        for spec in config.organisms
        if spec.is_of(family, seed)
    ]
    bases = {job.other(None).name: job.other(None) for job in organisms}
    return [*bases.values(), *organisms]


def _place(job: Job) -> tuple[str, int, str]:
    return job.family, job.seed, job.trigger_name


def _measure_base(job: Job, say: Say) -> Path:
    return behave(job, None, None, say)


def _make(job: Job, base: Path, say: Say) -> dict[str, Path]:
    adapter = tune(job, say)
    behaved = behave(job, adapter, base, say)
    found = find(job, adapter, say)
    made = {
        "tune": adapter,
        "behave": behaved,
        "find": found,
        "intervene": intervene(job, adapter, found, say),
        "picture": picture(job, adapter, behaved, found, say),
    }
    if job.config.features is not None and job.active != "none":
        made["features"] = features(job, adapter, found, say)
    return made


def _work(
    config: StudyConfig, on: str | None, progress: Progress
) -> AbstractContextManager["_Work | ClusterWork"]:
    if on is None:
        return nullcontext(_Work(config.workers, progress))
    return ClusterWork(on, config.needs, config.chat is not None, progress)


class _Work:
    """Runs a function over jobs, in this process or in several, and tells the board what goes on."""

    def __init__(self, workers: int, progress: Progress) -> None:
        self.workers = workers
        self.progress = progress

    def run(self, function: Callable[..., Any], calls: Sequence[tuple]) -> dict[Job, Any]:
        """Results by job (the first argument of each call)."""
        if self.workers == 1:
            return {call[0]: self._here(function, call) for call in calls}
        return self._in_processes(function, calls)

    def _here(self, function: Callable[..., Any], call: tuple) -> Any:
        result = function(*call, self.progress.here(call[0].name))
        self.progress.done(call[0].name)
        return result

    def _in_processes(self, function: Callable[..., Any], calls: Sequence[tuple]) -> dict[Job, Any]:
        context = multiprocessing.get_context("spawn")
        found: dict[Job, Any] = {}
        with ProcessPoolExecutor(self.workers, context, initializer=_one_thread) as pool:
            board = self.progress.board
            waiting = {pool.submit(_in_worker, function, call, board): call[0] for call in calls}
            try:
                while waiting:
                    for future in self._finished(waiting):
                        job = waiting.pop(future)
                        found[job] = future.result()
                        self.progress.done(job.name)
            except BaseException:
                for process in list(pool._processes.values()):
                    process.terminate()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return {call[0]: found[call[0]] for call in calls}

    def _finished(self, waiting: dict[Future, Job]) -> Iterable[Future]:
        self.progress.refresh()
        return wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED).done


def _one_thread() -> None:
    import torch

    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers

    quiet()
    torch.set_num_threads(
        1
    )  # several processes of several threads each slow each other down many-fold


def _in_worker(function: Callable[..., Any], call: tuple, board: Board) -> Any:
    return function(*call, board.say(call[0].name))


def _report(run: Run, config: StudyConfig, folders: Sequence[Path], meter: Meter) -> RunCost:
    rows: list[EstimateRow] = []
    answers: list[dict[str, Any]] = []
    drawn: dict[str, list[dict[str, Any]]] = {name: [] for name in DRAWN}
    for folder in folders:
        if (folder / "rows.jsonl").is_file():
            rows += read_estimates(folder / "rows.jsonl")
        if (folder / "answers.jsonl").is_file():
            answers += _first_of_each_cell(read_jsonl(folder / "answers.jsonl"))
        for name, found in drawn.items():
            if (folder / f"{name}.json").is_file():
                found.append(read_json(folder / f"{name}.json"))
    write_estimates(run.path("estimates.jsonl"), rows)
    write_jsonl(run.path("verdicts.jsonl"), verdicts(rows))
    write_jsonl(run.path("answers.jsonl"), answers)
    cost = meter.read(list(dict.fromkeys(folders)))
    for name, found in drawn.items():
        if found:
            write_jsonl(run.path(f"{name}.jsonl"), found)
    run.write_manifest(
        config=config.model_dump(mode="json"),
        seeds=config.seeds,
        steps=[folder.name for folder in folders],
        cpus=os.cpu_count(),
        cost=cost.record(),
    )
    return cost


def _first_of_each_cell(answers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    counts: dict[tuple, int] = {}
    kept = []
    for row in answers:
        cell = tuple(row.get(key) for key in ("domains", "condition", "intervention", "direction"))
        counts[cell] = counts.get(cell, 0) + 1
        if counts[cell] <= ANSWERS_SHOWN:
            kept.append(row)
    return kept
