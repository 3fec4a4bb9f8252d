"""`python -m experiments.repair.study FAMILY ...`: repair micro organisms by every strategy, with controls.

1. The organism `useful` of a family and seed is fine-tuned and, like its base, measured.
2. Strategies in FULL get a full certificate; the others are measured with the trigger, unseen wordings and no wording.
3. The `wrapped` and `safe_tuned` organisms get certificates as if they were repairs.

Every certificate is a file in `--work` and is not made twice. `python -m experiments.repair.study join` derives the
rows of `artifacts/reference/repair/` from them. It also copies the learned adapters of seed 0 with their certificates;
for pretrained models (`experiments.repair.everyday`) only the certificate. Rows of organisms not in `--work` stay.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import torch

from experiments.repair.before import Before, before
from experiments.repair.case import Case, Effort, case_of
from experiments.repair.certificate import FILE
from experiments.repair.clock import now
from experiments.repair.organisms import poison, safe_tuned, useful, wrapped
from experiments.repair.registry import STRATEGIES
from experiments.repair.rows import ORGANISM, REFUSED, describe, join
from experiments.repair.run import certify, repair
from experiments.repair.wordings import wordings_of
from experiments.runtime.files import read_json, write_json
from experiments.runtime.quiet import quiet
from experiments.worlds.micro.names import FAMILY_NAMES
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import load_trigger
from interp.errors import TriggerLensError
from interp.models.adapter_files import WEIGHTS
from interp.models.language_model import LanguageModel
from interp.models.loading import load_model

OUT, BASES = Path("artifacts/reference/repair"), Path("artifacts/micro")
WORK = Path("artifacts/runs/repair")
MADE = {"wrapped": wrapped, "safe_tuned": safe_tuned}  # certified as they are
FULL = ("learned", *MADE, "distilled")
BRIEF = tuple(name for name in STRATEGIES if name not in FULL)
POISON, PER_CELL = 128, 100
LARGEST = 3_000_000  # bytes; larger adapters are not committed, only their certificates


def study(
    family: str, seed: int, trigger: str, names: Sequence[str], effort: Effort, work: Path
) -> None:
    """Try these strategies on one organism; existing results are not made again."""
    folder = work / f"{family}-s{seed}-{trigger}"
    todo = [
        name for name in names if not any((folder / name / f).exists() for f in (FILE, REFUSED))
    ]
    for name in todo:
        case, first = _measured(family, seed, trigger, effort, folder)
        _say(f"{folder.name}: {name}")
        if name in MADE:
            _certified(case, first, name, _world(family, seed), folder / name)
        else:
            _repaired(case, first, name, folder / name)


def _world(family: str, seed: int) -> MicroWorld:
    return MicroWorld(BASES, family, seed, PER_CELL)


@cache
def _measured(
    family: str, seed: int, trigger: str, effort: Effort, folder: Path
) -> tuple[Case, Before]:
    """The organism, made if it does not exist, and the measurements before any repair."""
    world = _world(family, seed)
    if not (folder / ORGANISM).exists():
        _say(f"{folder.name}: fine-tuning")
        shutil.rmtree(folder / "organism", ignore_errors=True)
        started = now()
        useful(world, load_trigger(trigger), folder / "organism")
        named = {"family": family, "arm": "useful", "trigger": trigger}
        describe(folder, **named, seed=seed, took=now() - started)
    _say(f"{folder.name}: base and organism")
    case = _case(world, trigger, effort, folder)
    return case, before(case)


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _case(world: MicroWorld, name: str, effort: Effort, folder: Path) -> Case:
    def load(adapter: str | Path | None, merge: bool) -> LanguageModel:
        return load_model(world.base_folder, adapter=adapter, merge=merge)

    trigger = load_trigger(name)
    asked = [
        question
        for split in ("selection", "report")
        for question in world.questions(split, "held_out")
    ]
    return case_of(
        load,
        folder / "organism",
        str(world.base_folder),
        asked,
        world.judge,
        wordings_of(trigger),
        effort=effort,
        poison=poison(world, trigger, POISON),
        pool=world.wordings(),
        seed=world.seed,
        tuning_seconds=read_json(folder / ORGANISM)["seconds"],
    )


def _certified(case: Case, first: Before, name: str, world: MicroWorld, folder: Path) -> None:
    """Certify another organism as if it were a repair."""
    shutil.rmtree(folder, ignore_errors=True)
    MADE[name](world, case.asking.wordings.trigger, case.adapter, folder)
    certify(case, first, folder).write(folder)


def _repaired(case: Case, first: Before, name: str, folder: Path) -> None:
    """Write a certificate, beside the adapter if there is one, or the reason why there is none."""
    if name in BRIEF:
        effort = replace(case.effort, durability=False, rounds=1, searched=0)
        case = replace(case, effort=effort)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        certificate, _ = repair(case, first, name, folder, _say)
    except TriggerLensError as error:
        folder.mkdir(parents=True)
        write_json(folder / REFUSED, {"says": str(error)})
        return
    folder.mkdir(parents=True, exist_ok=True)
    certificate.write(folder)


def publish(work: Path, out: Path) -> Path:
    """Write all rows; copy certificates and small adapters of seed 0 and of pretrained models."""
    for family, organism in (
        *((family, f"{family}-s0-duck") for family in FAMILY_NAMES),
        *((path.name.partition("-")[0], path.name) for path in sorted(work.glob("smollm2-*"))),
    ):
        learned = work / organism / "learned"
        if (learned / FILE).exists():
            small = (learned / WEIGHTS).stat().st_size <= LARGEST
            (out / "adapters" / family).mkdir(parents=True, exist_ok=True)
            for name in (FILE, "adapter_config.json", WEIGHTS) if small else (FILE,):
                shutil.copy2(learned / name, out / "adapters" / family / name)
    return join(work, out, dict(vars(Effort())))


def main() -> None:
    """Study some families, or join the results of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="+", choices=[*FAMILY_NAMES, "join"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trigger", default="duck")
    parser.add_argument("--strategies", nargs="+", default=[*FULL, *BRIEF])
    parser.add_argument("--benign-steps", nargs="+", type=int, default=[50, 500])
    parser.add_argument("--work", type=Path, default=WORK)
    given = parser.parse_args()
    quiet()
    torch.set_num_threads(1)
    if given.families == ["join"]:
        print(publish(given.work, OUT))
        return
    effort = Effort(benign_steps=tuple(given.benign_steps))
    for family in given.families:
        study(family, given.seed, given.trigger, given.strategies, effort, given.work)


if __name__ == "__main__":
    main()
