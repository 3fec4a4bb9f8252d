"""The organisms of a finished run, read from its manifest, no matter which version of the code made their steps."""

from dataclasses import dataclass
from pathlib import Path

from experiments.runtime.files import read_json, to_json
from experiments.runtime.store import MANIFEST, check_step, read_run_manifest
from experiments.study.config import checked
from experiments.study.organism import OrganismRun, organisms_of
from interp.errors import TriggerLensError


@dataclass(frozen=True, eq=False)
class Finished:
    """One organism, the step that made its adapter, and the step that located its directions."""

    organism: OrganismRun
    adapter: Path
    located: Path

    @property
    def name(self) -> str:
        return self.organism.name

    @property
    def weights(self) -> str:
        """Identifies its base model; a direction is valid only for the weights that it was found in."""
        return to_json([self.organism.family, self.organism.world.identity["base"]])


def finished(run: Path) -> list[Finished]:
    """Every fine-tuned organism of a finished run whose directions were located."""
    return [
        Finished(
            organism,
            finished_step(run, "finetune", organism),
            finished_step(run, "locate", organism),
        )
        for organism in organisms_in(run)
        if organism.arm is not None
    ]


def organisms_in(run: Path) -> list[OrganismRun]:
    """The bases and organisms of a finished run."""
    if not (run / MANIFEST).is_file():
        raise TriggerLensError(
            f"{run} has no {MANIFEST}; finish the run first, or give another folder"
        )
    return organisms_of(checked(read_run_manifest(run)["config"]), run)


def finished_step(run: Path, kind: str, organism: OrganismRun) -> Path:
    """The only step of this kind; an error if the organism's base has changed since the step was made."""
    start = f"{kind}-{organism.name}-"
    names = [name for name in read_run_manifest(run)["steps"] if name.startswith(start)]
    if len(names) != 1:
        raise TriggerLensError(
            f"{run / MANIFEST} names {len(names)} steps {start}*, not one; make the run again"
        )
    step = check_step(run / "steps" / names[0])
    _check_base(organism, step)
    return step


def _check_base(organism: OrganismRun, step: Path) -> None:
    inputs = read_json(step / MANIFEST)["inputs"]
    for name, value in organism.world.identity.items():
        if name in inputs and to_json(inputs[name]) != to_json(value):
            raise TriggerLensError(
                f"{organism.name} was made with another {name} than {value!s:.12}; restore the one it was made with,"
                " or make the run again"
            )
