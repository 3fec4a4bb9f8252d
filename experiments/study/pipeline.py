"""The whole study: every organism of a configuration through every step, then the verdicts.

Order: bases answer (their cells are the other half of the 2x2 difference); organisms are tuned, asked, located in and
intervened on; their directions are tried on the baseline arm and on the base; the configuration may ask for further
steps, or for nothing after the answers. Jobs run in worker processes, one torch thread each, or on a cluster; results
do not depend on how many there are. A step that fails ends neither the study nor its organism's other steps. At the end
the rows of all steps become `estimates.jsonl`, and StudyUnfinished names what failed.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from experiments.results.report import DERIVED, deriving_code, write_reports
from experiments.runtime.attempts import Attempts, Failure, StudyUnfinished
from experiments.runtime.optional import warnings_of
from experiments.runtime.progress import Progress
from experiments.runtime.quiet import quiet
from experiments.runtime.run_cost import Meter, RunCost
from experiments.runtime.store import Run, open_run
from experiments.runtime.workers import Work
from experiments.study.cluster import ClusterWork, apart, check_place
from experiments.study.config import StudyConfig
from experiments.study.organism import Job
from experiments.study.posthoc_steps import STEPS
from experiments.study.steps.compare import compare
from experiments.study.steps.figure_data.step import picture
from experiments.study.steps.finetune import tune
from experiments.study.steps.intervene import intervene
from experiments.study.steps.locate.step import find
from experiments.study.steps.sample import behave
from experiments.study.steps.sparse.step import features

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
    causes = config.measure == "causes"
    compared = sum(causes and job.arm not in (None, "baseline") for job in jobs)
    more = sum(job.arm is not None for job in jobs) if config.further else 0
    with (
        open_run(folder) as run,
        Progress(len(jobs) + compared + more) as progress,
        _work(config, on, progress) as work,
    ):
        tried = _all_steps(config, jobs, work)
        failures = [failure for each in tried for failure in each.failures]
        folders = list(dict.fromkeys(path for each in tried for path in each.folders.values()))
        if not folders:
            raise StudyUnfinished(folder, failures)
        cost = _report(run, config, folders, failures, meter)
    progress.say(f"the run {cost}")
    if failures:
        raise StudyUnfinished(folder, failures)
    return folder


def _all_steps(
    config: StudyConfig, jobs: Sequence[Job], work: Work | ClusterWork
) -> list[Attempts]:
    """What was made and what failed, in the order of the jobs."""
    bases = [job for job in jobs if job.arm is None]
    organisms = [job for job in jobs if job.arm is not None]
    untouched = work.run(_measure_base, [(job,) for job in bases])
    longest_first = sorted(organisms, key=_fine_tuning, reverse=True)  # none is left for the end
    ready = work.run(_make, [(job,) for job in longest_first])
    made = {job: ready[job] for job in organisms if job in ready}
    baseline = {
        (job.family, job.seed): it.folders.get("tune")
        for job, it in made.items()
        if job.arm == "baseline"
    }
    elsewhere = [
        (job, it.folders["find"], baseline.get((job.family, job.seed)))
        for job, it in made.items()
        if job.arm != "baseline" and "find" in it.folders
    ]
    compared = work.run(_compare, elsewhere)
    further = work.run(
        _further,
        [
            (job, config.further, it.folders["tune"], it.folders["find"])
            for job, it in made.items()
            if config.further and "find" in it.folders
        ],
    )
    rounds = (untouched, made, compared, further)
    return [attempts for each in rounds for attempts in each.values()]


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


def _fine_tuning(job: Job) -> int:
    """Steps, the only part of the work whose length is known before; 0 for an organism that is already made."""
    assert job.arm is not None and job.spec is not None
    return 0 if job.spec.organism else job.config.recipe(job.arm, job.family).steps or 0


def _measure_base(job: Job, say: Say) -> Attempts:
    made = Attempts(job.name, job.folder)
    made.attempt("behave", behave, job, None, say)
    return made


def _make(job: Job, say: Say) -> Attempts:
    """An organism through its steps; one that fails ends those that read it."""
    made = Attempts(job.name, job.folder)
    adapter = made.attempt("tune", tune, job, say)
    behaved = adapter and made.attempt("behave", behave, job, adapter, say)
    if behaved is None or job.config.measure == "behaviour":
        return made
    found = made.attempt("find", find, job, adapter, say)
    if found is None:
        return made
    made.attempt("intervene", intervene, job, adapter, found, say)
    made.attempt("picture", picture, job, adapter, behaved, found, say)
    if job.has_features:
        made.attempt("features", features, job, adapter, found, say)
    return made


def _compare(job: Job, found: Path, baseline: Path | None, say: Say) -> Attempts:
    made = Attempts(job.name, job.folder)
    made.attempt("compare", compare, job, found, baseline, say)
    return made


def _further(job: Job, names: Sequence[str], adapter: Path, found: Path, say: Say) -> Attempts:
    made = Attempts(job.name, job.folder)
    for name in names:
        made.attempt(name, STEPS[name], job, adapter, found, say)
    return made


def _work(
    config: StudyConfig, on: str | None, progress: Progress
) -> AbstractContextManager[Work | ClusterWork]:
    if on is None:
        return Work(config.workers, progress)
    return ClusterWork(on, config.needs, config.chat is not None, progress)


def _report(
    run: Run,
    config: StudyConfig,
    folders: Sequence[Path],
    failures: Sequence[Failure],
    meter: Meter,
) -> RunCost:
    write_reports(run, folders)
    cost = meter.read(list(folders))
    run.write_manifest(
        config=config.model_dump(mode="json"),
        seeds=config.seeds,
        steps=[folder.name for folder in folders],
        cpus=os.cpu_count(),
        cost=cost.record(),
        warnings=[f"Not finished: {failure}." for failure in failures] + warnings_of(folders),
        **{DERIVED: deriving_code()},
    )
    return cost
