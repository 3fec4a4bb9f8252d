"""What `triggerlens guard-study` wrote to RUN/guard: the rows of each part, and those of one organism.

Every part is optional; its files are `guard/PART/ORGANISM.jsonl`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.runtime.files import read_jsonl

PARTS = ("gate", "monitor", "rank", "bypass", "reach")
KEYS = ("family", "seed", "arm", "trigger")
Rows = Mapping[str, Sequence[dict[str, Any]]]


def read_guard(run: Path) -> dict[str, tuple[dict[str, Any], ...]]:
    """{part: rows} of a run; a part that was not measured is left out."""
    found = {
        part: tuple(
            row
            for file in sorted((run / "guard" / part).glob("*.jsonl"))
            for row in read_jsonl(file)
        )
        for part in PARTS
    }
    return {part: rows for part, rows in found.items() if rows}


def guard_of(found: Rows, keys: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of one organism, by part."""
    mine = {
        part: [row for row in rows if all(row.get(key) == keys[key] for key in KEYS)]
        for part, rows in found.items()
    }
    return {part: rows for part, rows in mine.items() if rows}


def percent(row: Mapping[str, Any]) -> str:
    """`98 % [93, 100]`, or the reason why there is no number."""
    if row["value"] is None:
        return str(row.get("method", "undefined"))
    return f"{100 * row['value']:.0f} % [{100 * row['lower']:.0f}, {100 * row['upper']:.0f}]"


def number(row: Mapping[str, Any]) -> str:
    """`-0.61 [-0.75, -0.40]`, or the reason why there is no number."""
    if row["value"] is None:
        return str(row.get("method", "undefined"))
    return f"{row['value']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]"
