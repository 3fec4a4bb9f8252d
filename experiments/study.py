"""The whole study: every organism of a configuration through every step, then the verdicts.

Order: bases answer (their cells are the other half of the 2x2 difference); organisms are tuned, asked, located in and
intervened on; their directions are tried on the baseline arm and on the base; the configuration may ask for further
steps. Jobs run in worker processes, one torch
thread each; results do not depend on how many there are. At the end the rows of all steps become `estimates.jsonl`.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.config import StudyConfig
from experiments.finetune import quiet
from experiments.further import further_steps
from experiments.job import Job
from experiments.progress import Progress
from experiments.run_report import write_reports
from experiments.steps.behave import behave
from experiments.steps.compare import compare
from experiments.steps.find import find
from experiments.steps.intervene import intervene
from experiments.steps.tune import tune
from experiments.store import Run, open_run
from experiments.workers import Work

Say = Callable[[str], None]


def run_study(config: StudyConfig, folder: Path) -> Path:
    """Run (or resume) the study in `folder`; returns the folder."""
    quiet()
    jobs = jobs_of(config, folder)
    for job in reversed(jobs):  # organisms before bases: they know what data is missing
        job.check()
    bases = [job for job in jobs if job.arm is None]
    organisms = [job for job in jobs if job.arm is not None]
    compared_jobs = [job for job in organisms if job.arm != "baseline"]
    more = organisms if config.further else []
    total = len(jobs) + len(compared_jobs) + len(more)
    with open_run(folder) as run, Progress(total) as progress:
        work = Work(config.workers, progress)
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
        calls = [(j, config.further, made[j]["tune"], made[j]["find"]) for j in more]
        further = work.run(further_steps, calls)
        folders = [*untouched.values(), *(f for paths in made.values() for f in paths.values())]
        folders += [*compared.values(), *(f for paths in further.values() for f in paths)]
        _report(run, config, folders)
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
    return {
        "tune": adapter,
        "behave": behaved,
        "find": found,
        "intervene": intervene(job, adapter, found, say),
    }


def _report(run: Run, config: StudyConfig, folders: Sequence[Path]) -> None:
    write_reports(run, folders)
    run.write_manifest(
        config=config.model_dump(mode="json"),
        seeds=config.seeds,
        steps=[folder.name for folder in folders],
        cpus=os.cpu_count(),
    )
