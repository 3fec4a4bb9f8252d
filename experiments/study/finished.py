"""The organisms of a finished run, read from its manifest, whatever version of the code made their steps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.runtime.files import read_json, to_json
from experiments.runtime.store import MANIFEST, check_step, read_run_manifest
from experiments.study.config import checked
from experiments.study.organism import OrganismRun
from experiments.study.pipeline import organisms_of
from interp.errors import TriggerLensError


@dataclass(frozen=True, eq=False)
class Finished:
    """One organism with its adapter's step, and the step that holds its directions."""

    organism: OrganismRun
    tune: Path
    find: Path

    @property
    def name(self) -> str:
        return self.organism.name

    @property
    def weights(self) -> str:
        """What tells its base from another: directions do not travel between weights."""
        return to_json([self.organism.family, self.organism.world.identity["base"]])


def finished(run: Path) -> list[Finished]:
    """Every organism of a finished run; one whose base is no longer the same is refused."""
    if not (run / MANIFEST).is_file():
        raise TriggerLensError(
            f"{run} has no {MANIFEST}; finish the run first, or give another folder"
        )
    manifest = read_run_manifest(run)
    config = checked(manifest["config"])
    organisms = [organism for organism in organisms_of(config, run) if organism.arm is not None]
    found = [
        Finished(
            organism, *(_step(run, manifest, kind, organism) for kind in ("finetune", "locate"))
        )
        for organism in organisms
    ]
    for each in found:
        _check_base(each)
    return found


def _step(run: Path, manifest: dict[str, Any], kind: str, organism: OrganismRun) -> Path:
    start = f"{kind}-{organism.name}-"
    names = [name for name in manifest["steps"] if name.startswith(start)]
    if len(names) != 1:
        raise TriggerLensError(
            f"{run / MANIFEST} names {len(names)} steps {start}*; make the run again"
        )
    return check_step(run / "steps" / names[0])


def _check_base(organism: Finished) -> None:
    made_of = read_json(organism.find / MANIFEST)["inputs"]
    for name, value in organism.organism.world.identity.items():
        if name in made_of and to_json(made_of[name]) != to_json(value):
            raise TriggerLensError(
                f"{organism.name} was made with another {name} than {organism.organism.world.identity[name]!s:.12};"
                " put the one it was made with in its place, or make the run again"
            )
