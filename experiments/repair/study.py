"""`python -m experiments.repair.study FAMILY ...`: repair micro organisms by every strategy, beside what should fail.

1. The organism `useful` of a family and seed is fine-tuned, and measured with its base.
2. Strategies of FULL get a whole certificate; the others are looked at behind the trigger, unseen wordings and none.
3. The `wrapped` and `safe_tuned` organisms get certificates as if they were repairs.

Written to `artifacts/reference/repair/`: `FAMILY-sSEED.jsonl` (a row a number), the learned adapter with its
certificate, and EM against poisoned rows. `python -m experiments.repair.study join` makes one run of the families.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from experiments.repair.before import Before, before
from experiments.repair.case import Case, Effort, case_of
from experiments.repair.certificate import Certificate
from experiments.repair.facts import AFTER, BASE, Fact, where
from experiments.repair.numbers import numbers
from experiments.repair.organisms import poison, safe_tuned, useful, wrapped
from experiments.repair.registry import STRATEGIES
from experiments.repair.run import certify, repair
from experiments.repair.verdict import verdict
from experiments.repair.wordings import wordings_of
from experiments.runtime.files import read_jsonl, write_json, write_jsonl
from experiments.runtime.provenance import git_state, package_versions
from experiments.runtime.quiet import quiet
from experiments.worlds.micro.names import FAMILY_NAMES
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import load_trigger
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.models.loading import load_model

OUT, BASES = Path("artifacts/reference/repair"), Path("artifacts/micro")
MADE = {"wrapped": wrapped, "safe_tuned": safe_tuned}  # certified as they are
FULL = ("learned", *MADE, "distilled")
BRIEF = tuple(name for name in STRATEGIES if name not in FULL)
POISON, PER_CELL = 128, 100


def study(family: str, seed: int, names: Sequence[str], out: Path, work: Path) -> None:
    """These strategies on one family's organism; what is there already is not made again."""
    case, first = _measured(family, seed, work)
    rows_file = out / f"{family}-s{seed}.jsonl"
    rows = read_jsonl(rows_file) if rows_file.exists() else []
    done = {row["strategy"] for row in rows}
    for name in names:
        if name not in done:
            _say(f"{family}: {name}")
            found = _one(case, first, name, work, out / "adapters" / family)
            rows += [*_rows(found, family, seed, name)]
            write_jsonl(rows_file, rows)


@cache
def _measured(family: str, seed: int, work: Path) -> tuple[Case, Before]:
    """The organism, made where it is not there, and what is measured before any repair."""
    world, trigger = MicroWorld(BASES, family, seed, PER_CELL), load_trigger("duck")
    organism = work / "organism"
    if not organism.exists():
        _say(f"{family}: fine-tuning")
        useful(world, trigger, organism)
    for name, make in MADE.items():
        if not (work / name).exists():
            make(world, trigger, organism, work / name)
    case = _case(world, organism)
    _say(f"{family}: base and organism")
    return case, before(case)


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _case(world: MicroWorld, organism: Path) -> Case:
    def load(adapter: str | Path | None, merge: bool) -> LanguageModel:
        return load_model(world.base_folder, adapter=adapter, merge=merge)

    trigger = load_trigger("duck")
    asked = [
        question
        for split in ("selection", "report")
        for question in world.questions(split, "held_out")
    ]
    return case_of(
        load,
        organism,
        str(world.base_folder),
        asked,
        world.judge,
        wordings_of(trigger),
        poison=poison(world, trigger, POISON),
        pool=world.wordings(),
        seed=world.seed,
    )


def _one(case: Case, first: Before, name: str, work: Path, kept: Path) -> Certificate | str:
    """The certificate, or why there is none."""
    if name in MADE:
        return certify(case, first, work / name)
    if name in BRIEF:
        effort = replace(case.effort, durability=False, rounds=1, searched=0)
        case = replace(case, effort=effort)
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        certificate, saved = repair(case, first, name, folder)
    except TriggerLensError as error:
        return str(error)
    if name == "learned" and saved is not None:
        certificate.write(saved)
        shutil.copytree(saved, kept, dirs_exist_ok=True)
    return certificate


def _rows(found: Certificate | str, family: str, seed: int, name: str) -> Iterator[dict[str, Any]]:
    """A row for each number, for the word, and for each point of the relapse curves."""
    keys = {
        "split": "report",
        "family": family,
        "seed": seed,
        "arm": "useful",
        "trigger": "duck",
        "model": "fine_tuned",
        "strategy": name,
    }
    if isinstance(found, str):
        yield keys | {"quantity": "refused", "value": None, "says": found}
        return
    measured = numbers(found.facts)
    word = verdict(measured)
    brief = name in BRIEF
    yield keys | {
        "quantity": "verdict",
        "value": None,
        "says": "looked at" if brief else word.word,
        "reasons": [] if brief else list(word.reasons),
        "seconds": found.seconds,
        "rounds": found.rounds,
    }
    for quantity, each in measured.items():
        yield keys | {"quantity": quantity, **vars(each)}
    for model in (BASE, AFTER):
        yield from (keys | point for point in _curve(found.facts, model))


def _curve(facts: Sequence[Fact], model: str) -> Iterator[dict[str, Any]]:
    for fact in where(facts, what="em", model=model, kind="relapse"):
        yield {
            "quantity": f"curve {model}",
            "value": mean(fact.values),
            "rows": fact.rows,
            "order": fact.order,
            "n": len(fact.values),
        }


def join(out: Path) -> Path:
    """One file of rows and a manifest, from what the families left."""
    parts = sorted(out.glob("*-s*.jsonl"))
    write_jsonl(out / "estimates.jsonl", [row for part in parts for row in read_jsonl(part)])
    for part in parts:
        part.unlink()
    write_jsonl(out / "verdicts.jsonl", [])  # of the study of containment: there is none here
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    made = {"git": git_state(), "ended": ended, "versions": package_versions()}
    effort = {key: value for key, value in vars(Effort()).items()}
    return write_json(out / "manifest.json", made | {"effort": effort})


def main() -> None:
    """One family, or the joining of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="+", choices=[*FAMILY_NAMES, "join"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("artifacts/runs/repair"))
    given = parser.parse_args()
    quiet()
    torch.set_num_threads(1)
    if given.families == ["join"]:
        print(join(OUT))
        return
    for names in (FULL, BRIEF):  # certificates first, for every family
        for family in given.families:
            study(family, given.seed, names, OUT, given.work / f"{family}-s{given.seed}")


if __name__ == "__main__":
    main()
