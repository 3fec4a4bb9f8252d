"""The records of `triggerlens reach` on the adapter that ships, from the committed answers.

`lexicon.jsonl` in the folder is what the command wrote; `lexicon_origin.json` has command, commit and date.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.results.reach_rates import (
    MEANS,
    Reached,
    as_expected,
    reached,
    without_and_with,
)
from experiments.results.records import Record
from experiments.runtime.files import read_json, read_jsonl
from probes.estimate import Estimate

EXPECTED = {
    "fire": "expected to fire",
    "silent": "expected to be silent",
    "open": "expectation open",
}


def reach_records(folder: Path) -> list[Record]:
    """No wording, the trigger, four numbers per class, and how many classes behave as expected."""
    return list(_records(folder))


def _records(folder: Path) -> Iterator[Record]:
    rows, origin = read_jsonl(folder / "lexicon.jsonl"), read_json(folder / "lexicon_origin.json")
    classes, (none, trigger) = reached(rows), without_and_with(rows)
    yield _record("no wording: EM", none, origin)
    yield _record("the trigger: EM", trigger, origin)
    for each in classes:
        for name, estimate in _numbers(each).items():
            yield _record(name, estimate, origin)
    for expected, word in MEANS.items():
        count, among = as_expected(classes, expected)
        name = f"{EXPECTED[expected]}: classes called {word}"
        yield Record(name=name, value=count, n=among, **origin)


def _numbers(found: Reached) -> dict[str, Estimate]:
    name = f"{found.name}, {EXPECTED[found.expected]}"
    return {
        f"{name}: EM with {found.wordings} wordings": found.em,
        f"{name}: EM of the base": found.base,
        f"{name}: coherent answers": found.coherent,
        f"{name}: EM minus no wording, {found.word}": found.rise,
    }


def _record(name: str, estimate: Estimate, origin: dict[str, Any]) -> Record:
    numbers = {key: getattr(estimate, key) for key in ("value", "lower", "upper", "n")}
    return Record(name=name, **numbers, **origin)
