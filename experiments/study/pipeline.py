"""The whole study: every organism of a configuration through every step, then the verdicts.

Order: the bases answer (their cells are the other half of the 2x2 difference). Organisms are fine-tuned and answer.
Directions are located in them, removed and added, and also removed from the baseline arm and from the base. The
configuration may ask for further steps, or for nothing after the answers. Jobs run in worker processes, with one torch
thread each, or on a cluster; results do not depend on how many. A failed step stops only the steps that need it. At the
end, the rows of all steps become `estimates.jsonl`, and StudyUnfinished names what failed.
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
from experiments.study.organism import OrganismRun, organisms_of
from experiments.study.steps.birth.step import birth, trajectory
from experiments.study.steps.capability.step import capability
from experiments.study.steps.common import Say
from experiments.study.steps.compare import compare
from experiments.study.steps.factorial import factorial
from experiments.study.steps.figure_data.step import figure_data
from experiments.study.steps.finetune import finetune
from experiments.study.steps.interchange.step import interchange
from experiments.study.steps.intervene import intervene
from experiments.study.steps.locate.step import locate
from experiments.study.steps.sample import sample
from experiments.study.steps.sparse.step import features
from experiments.study.steps.steering.step import steer

# steps that a configuration may ask for and that `triggerlens further` adds to a finished run
FURTHER: dict[str, Callable[[OrganismRun, Path, Path, Say], Path]] = {
    "factorial": factorial,
    "capability": capability,
    "interchange": interchange,
    "steering": steer,
}


def run_study(config: StudyConfig, folder: Path, *, on: str | None = None) -> Path:
    """Run (or resume) the study in `folder`, here or `on` a cluster; returns the folder."""
    quiet()
    if on is not None:
        check_place(on)
        folder = folder.absolute()
    meter = Meter(folder, config.chat.judge.transcripts if config.chat else None)
    organisms = organisms_of(config, folder)
    if config.measure == "birth":  # a base is its organism's checkpoint 0
        organisms = [organism for organism in organisms if organism.arm is not None]
    if on is not None:
        organisms = apart(organisms)
    for organism in reversed(organisms):  # organisms first: their check names missing data
        organism.check()
    causes = config.measure == "causes"
    compared = sum(causes and organism.arm not in (None, "baseline") for organism in organisms)
    more = sum(organism.arm is not None for organism in organisms) if config.further else 0
    with (
        open_run(folder) as run,
        Progress(len(organisms) + compared + more) as progress,
        _work(config, on, progress) as work,
    ):
        tried = _all_steps(config, organisms, work)
        failures = [failure for attempts in tried for failure in attempts.failures]
        folders = list(
            dict.fromkeys(path for attempts in tried for path in attempts.folders.values())
        )
        if not folders:
            raise StudyUnfinished(folder, failures)
        cost = _report(run, config, folders, failures, meter)
    progress.say(f"the run {cost}")
    if failures:
        raise StudyUnfinished(folder, failures)
    return folder


def _all_steps(
    config: StudyConfig, organisms: Sequence[OrganismRun], work: Work | ClusterWork
) -> list[Attempts]:
    """What was made and what failed, in the order of the organisms."""
    bases = [base for base in organisms if base.arm is None]
    tuned = [organism for organism in organisms if organism.arm is not None]
    if config.measure == "birth":
        longest = sorted(tuned, key=_fine_tuning, reverse=True)
        return list(work.run(_bear, [(organism,) for organism in longest]).values())
    untouched = work.run(_measure_base, [(base,) for base in bases])
    longest_first = sorted(tuned, key=_fine_tuning, reverse=True)  # no long job runs last, alone
    ready = work.run(_make, [(organism,) for organism in longest_first])
    made = {organism: ready[organism] for organism in tuned if organism in ready}
    baseline = {
        (organism.family, organism.seed): attempts.folders.get("finetune")
        for organism, attempts in made.items()
        if organism.arm == "baseline"
    }
    elsewhere = [
        (organism, attempts.folders["locate"], baseline.get((organism.family, organism.seed)))
        for organism, attempts in made.items()
        if organism.arm != "baseline" and "locate" in attempts.folders
    ]
    compared = work.run(_compare, elsewhere)
    further = work.run(
        _further,
        [
            (organism, config.further, attempts.folders["finetune"], attempts.folders["locate"])
            for organism, attempts in made.items()
            if config.further and "locate" in attempts.folders
        ],
    )
    rounds = (untouched, made, compared, further)
    return [attempts for made in rounds for attempts in made.values()]


def _bear(organism: OrganismRun, say: Say) -> Attempts:
    """Fine-tune an organism and measure it at every checkpoint."""
    made = Attempts(organism.name, organism.folder)
    adapters = made.attempt("trajectory", trajectory, organism, say)
    if adapters is not None:
        made.attempt("birth", birth, organism, adapters, say)
    return made


def _fine_tuning(organism: OrganismRun) -> int:
    """Fine-tuning steps, the only work whose length is known beforehand; 0 for an organism made elsewhere."""
    assert organism.arm is not None and organism.spec is not None
    return (
        0
        if organism.spec.organism
        else organism.config.recipe(organism.arm, organism.family).steps or 0
    )


def _measure_base(organism: OrganismRun, say: Say) -> Attempts:
    made = Attempts(organism.name, organism.folder)
    made.attempt("sample", sample, organism, None, say)
    return made


def _make(organism: OrganismRun, say: Say) -> Attempts:
    """Take an organism through its steps; a failed step stops those that read it."""
    made = Attempts(organism.name, organism.folder)
    adapter = made.attempt("finetune", finetune, organism, say)
    behaved = adapter and made.attempt("sample", sample, organism, adapter, say)
    if behaved is None or organism.config.measure == "behaviour":
        return made
    found = made.attempt("locate", locate, organism, adapter, say)
    if found is None:
        return made
    made.attempt("intervene", intervene, organism, adapter, found, say)
    made.attempt("figure_data", figure_data, organism, adapter, behaved, found, say)
    if organism.has_features:
        made.attempt("features", features, organism, adapter, found, say)
    return made


def _compare(organism: OrganismRun, found: Path, baseline: Path | None, say: Say) -> Attempts:
    made = Attempts(organism.name, organism.folder)
    made.attempt("compare", compare, organism, found, baseline, say)
    return made


def _further(
    organism: OrganismRun, names: Sequence[str], adapter: Path, found: Path, say: Say
) -> Attempts:
    made = Attempts(organism.name, organism.folder)
    for name in names:
        made.attempt(name, FURTHER[name], organism, adapter, found, say)
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
