"""Rows of the repair study, derived from its certificates: a row for each number, the verdict, and the relapse curves.

A certificate is in `WORK/ORGANISM/STRATEGY/`, the organism's description in `WORK/ORGANISM/organism.json`. Rows of
organisms and strategies that are not in WORK stay as they were committed.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from experiments.repair.certificate import FILE, Certificate, read_certificate
from experiments.repair.facts import AFTER, BASE, Fact, where
from experiments.repair.numbers import numbers
from experiments.repair.verdict import verdict
from experiments.runtime.files import read_json, read_jsonl, write_json, write_jsonl
from experiments.runtime.provenance import git_state, package_versions

Row = dict[str, Any]
ORGANISM, REFUSED = "organism.json", "refused.json"
KEYS = ("family", "seed", "trigger", "strategy")


def describe(folder: Path, *, family: str, seed: int, arm: str, trigger: str, took: float) -> Path:
    """Write the description of an organism, with the seconds of its fine-tuning."""
    named = {"family": family, "seed": seed, "arm": arm, "trigger": trigger}
    return write_json(folder / ORGANISM, named | {"seconds": took})


def measured(work: Path) -> Iterator[Row]:
    """Every row of every certificate, organisms in the order of their names."""
    for organism in sorted(work.glob(f"*/{ORGANISM}")):
        named = read_json(organism)
        named.pop("seconds")
        for folder in sorted(path for path in organism.parent.iterdir() if path.is_dir()):
            keys = {"split": "report", **named, "model": "fine_tuned", "strategy": folder.name}
            if (folder / REFUSED).exists():
                yield keys | {"quantity": "refused", "value": None} | read_json(folder / REFUSED)
            elif (folder / FILE).exists():
                yield from (keys | row for row in rows_of(read_certificate(folder)))


def rows_of(found: Certificate) -> Iterator[Row]:
    """The word, a row for each number, and each point of the relapse curves."""
    known = numbers(found.facts)
    word = verdict(known)
    brief = not where(found.facts, kind="relapse", model=AFTER)
    yield {
        "quantity": "verdict",
        "value": None,
        "says": "looked at" if brief else word.word,
        "reasons": [] if brief else list(word.reasons),
        "rounds": found.rounds,
    }
    for quantity, each in known.items():
        yield {"quantity": quantity, **vars(each)}
    for model in (BASE, AFTER):
        yield from _curve(found.facts, model)


def _curve(facts: Sequence[Fact], model: str) -> Iterator[Row]:
    for fact in where(facts, what="em", model=model, kind="relapse"):
        yield {
            "quantity": f"curve {model}",
            "value": mean(fact.values),
            "rows": fact.rows,
            "order": fact.order,
            "n": len(fact.values),
        }


def join(work: Path, out: Path, effort: Row) -> Path:
    """Write one file of rows, and a manifest with the effort."""
    now = list(measured(work))
    fresh = {tuple(row[key] for key in KEYS) for row in now}
    there = out / "estimates.jsonl"
    old = read_jsonl(there) if there.exists() else []
    kept = [row for row in old if tuple(row[key] for key in KEYS) not in fresh]
    write_jsonl(there, [*now, *kept])
    write_jsonl(out / "verdicts.jsonl", [])  # none: this is no containment study
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    made = {"git": git_state(), "ended": ended, "versions": package_versions()}
    return write_json(out / "manifest.json", made | {"effort": effort, "rows of before": len(kept)})
