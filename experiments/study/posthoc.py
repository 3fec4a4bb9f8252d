"""Add steps to finished runs: missing steps are made, then the run's reports are written again."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.results.derive import estimates
from experiments.results.estimates import EstimateRow
from experiments.results.facts import read_facts
from experiments.results.judgements import USED
from experiments.results.report import DERIVED, deriving_code, write_reports
from experiments.runtime.files import read_json
from experiments.runtime.progress import Progress
from experiments.runtime.quiet import quiet
from experiments.runtime.store import MANIFEST, Run, amend_run, check_step
from experiments.runtime.workers import Work
from experiments.study.finished import Finished, finished
from experiments.study.organism import OrganismRun
from experiments.study.pipeline import FURTHER
from experiments.study.steps.common import Say
from experiments.study.steps.transfer import transfer
from interp.errors import TriggerLensError


def add_further(
    folder: Path, names: Sequence[str], workers: int | None = None, *, only: Sequence[str] = ()
) -> list[EstimateRow]:
    """Make the further steps of every organism of a finished run; returns the rows of these steps.

    `only`: prefixes of the names of the organisms that are wanted; without it, all.
    """
    organisms = _named({folder: finished(folder)}, only)[folder]
    calls = [(each.organism, tuple(names), each.adapter, each.located) for each in organisms]
    return _add(folder, further_steps, calls, workers)


def further_steps(
    organism: OrganismRun, names: Sequence[str], adapter: Path, located: Path, say: Say
) -> list[Path]:
    """The folders of these steps of one organism; missing ones are made."""
    return [FURTHER[name](organism, adapter, located, say) for name in names]


def add_transfer(
    folders: Sequence[Path], workers: int | None = None, *, only: Sequence[str] = ()
) -> list[EstimateRow]:
    """Remove the directions of every organism of these runs from every organism of the same base; `only` as above."""
    by_run = _named({folder: finished(folder) for folder in folders}, only)
    origins = origins_by_base([each for organisms in by_run.values() for each in organisms])
    rows: list[EstimateRow] = []
    for folder, organisms in by_run.items():
        calls = [(each.organism, each.adapter, origins[each.weights]) for each in organisms]
        rows += _add(folder, _transferred, calls, workers)
    return rows


def origins_by_base(organisms: Sequence[Finished]) -> dict[str, dict[str, Path]]:
    """Base -> organism -> the step that holds its directions; an error if an organism is in two runs."""
    origins: dict[str, dict[str, Path]] = {}
    for organism in organisms:
        of_base = origins.setdefault(organism.weights, {})
        if organism.name in of_base:
            first = of_base[organism.name].parents[1]
            raise TriggerLensError(
                f"{organism.name} is in two of these runs ({first}, {organism.organism.folder}); give runs with"
                " different organisms"
            )
        of_base[organism.name] = organism.located
    return origins


def _named(
    by_run: Mapping[Path, Sequence[Finished]], only: Sequence[str]
) -> dict[Path, list[Finished]]:
    """Those whose names begin with one of `only`; an error for a prefix that no name has."""
    names = [organism.name for organisms in by_run.values() for organism in organisms]
    for start in only:
        if not any(name.startswith(start) for name in names):
            raise TriggerLensError(
                f"--only {start}: no organism's name begins with this; there are {', '.join(names)}"
            )
    starts = tuple(only) or ("",)
    return {
        folder: [organism for organism in organisms if organism.name.startswith(starts)]
        for folder, organisms in by_run.items()
    }


def _transferred(
    organism: OrganismRun, adapter: Path, origins: Mapping[str, Path], say: Say
) -> list[Path]:
    return [transfer(organism, adapter, origins, say)]


def _add(
    folder: Path,
    function: Callable[..., list[Path]],
    calls: Sequence[tuple],
    workers: int | None,
) -> list[EstimateRow]:
    quiet()
    with amend_run(folder) as run, Progress(len(calls)) as progress:
        processes = workers or (calls[0][0].config.workers if calls else 1)
        with Work(processes, progress) as work:
            made = work.run(function, calls)
        new = [path for paths in made.values() for path in paths]
        steps = _with(run, new)
        write_reports(run, steps)
        names = [path.name for path in steps]
        if read_json(run.folder / MANIFEST).get(USED):
            progress.say(
                "the new answers have only the run's own judgements, so the reports use these again"
            )
        run.amend_manifest(steps=names, **{DERIVED: deriving_code(), USED: None})
    return estimates(read_facts(new))


def _with(run: Run, new: Sequence[Path]) -> list[Path]:
    """The steps that the run reports, with `new` in place of older ones of the same kind and organism."""
    names = {path.name.rpartition("-")[0] for path in new}
    old = [run.steps / name for name in read_json(run.folder / MANIFEST)["steps"]]
    kept = [check_step(path) for path in old if path.name.rpartition("-")[0] not in names]
    return [*kept, *new]
