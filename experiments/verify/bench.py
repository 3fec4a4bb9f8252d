"""Recomputes benchmarks: a ratio is the median of its turns, and its target is reached if it is at most the target.

Ratios of records with at most one turn cannot be recomputed; these records are named.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from experiments.verify.compare import same

BENCH = Path("artifacts/bench")


def bench_faults(folder: Path = BENCH) -> list[str]:
    """A line for each record that its own turns contradict."""
    return [
        f"{path}, {record['name']}: {what}"
        for path, record in _records(folder)
        for what in _faults(record)
    ]


def without_turns(folder: Path = BENCH) -> list[str]:
    """The records that no committed turns support."""
    found = _records(folder)
    return [
        f"{path.stem}: {record['name']}"
        for path, record in found
        if len(record.get("ratios", [])) < 2
    ]


def _faults(record: dict[str, Any]) -> Iterator[str]:
    turns, ratio = record.get("ratios", []), record["ratio"]
    if turns and not same(ratio, median(turns)):
        yield f"ratio {ratio}, the median of its turns is {median(turns)}"
    if record["reached"] != (ratio <= record["target"]):
        yield f"reached {record['reached']} beside {ratio} for {record['target']}"


def _records(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        yield from (
            (path, record) for record in (content if isinstance(content, list) else [content])
        )
