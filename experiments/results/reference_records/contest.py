"""The records of the contest: every entrant's shares, and how far ours is ahead, from the scored rows of each contest.

A folder of `artifacts/contest/` holds `rows.jsonl`, as `triggerlens contest score` writes it, and `origin.json` with
command, commit and date.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.results.contest_rates import (
    BLACK_BOX,
    NAMES,
    OURS,
    WANTED,
    ahead,
    best_published,
    entrants,
    rates,
)
from experiments.results.records import Record
from experiments.runtime.files import read_json, read_jsonl
from probes.estimate import Estimate

AT_MOST = ("accused",)
LEAD = 0.2  # aim: our share minus that of another entrant


def contest_records(folder: Path) -> list[Record]:
    """All contests in a folder, by name."""
    return [record for each in sorted(folder.iterdir()) if each.is_dir() for record in _of(each)]


def _of(folder: Path) -> Iterator[Record]:
    rows, origin = read_jsonl(folder / "rows.jsonl"), read_json(folder / "origin.json")
    found = {name: rates(rows, name) for name in entrants(rows)}
    for entrant, shares in found.items():
        for key, estimate in shares.items():
            name = f"{folder.name}, {entrant}: {NAMES[key]}"
            yield _record(name, estimate, origin, **_aim(entrant, key, estimate))
    for other in (best_published(rows), BLACK_BOX):
        if other in found and OURS in found:
            lead = ahead(found[OURS]["class"], found[other]["class"])
            wanted = {"wanted": f"at least {LEAD}", "reached": _is_reached(lead, LEAD)}
            name = f"{folder.name}, ours minus {other}: {NAMES['class']}"
            yield _record(name, lead, origin, **wanted)
    yield _left_out(folder.name, rows, origin)


def _aim(entrant: str, key: str, estimate: Estimate) -> dict[str, Any]:
    if entrant != OURS or key not in WANTED or estimate.value is None:
        return {}
    limit, most = WANTED[key], key in AT_MOST
    words = f"at {'most' if most else 'least'} {limit}"
    return {"wanted": words, "reached": _is_reached(estimate, limit, most=most)}


def _is_reached(estimate: Estimate, limit: float, *, most: bool = False) -> bool | None:
    """Missed if the value misses the limit, reached if the whole interval reaches it, else open."""
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return None
    missed = estimate.value > limit if most else estimate.value < limit
    sure = estimate.upper <= limit if most else estimate.lower >= limit
    return False if missed else sure or None


def _record(name: str, estimate: Estimate, origin: dict[str, Any], **more: Any) -> Record:
    numbers = {key: getattr(estimate, key) for key in ("value", "lower", "upper", "n")}
    return Record(name=name, **numbers, **more, **origin)


def _left_out(name: str, rows: list[dict[str, Any]], origin: dict[str, Any]) -> Record:
    every = {row["organism"]: row["as_meant"] for row in rows}
    count = sum(not meant for meant in every.values())
    words = f"{name}: organisms left out because they do not behave as intended"
    return Record(name=words, value=count, n=len(every), **origin)
