"""The committed rows of one run, chosen by their columns, and the records of the extreme ones."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf, log
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Record = dict[str, Any]
COMMAND = "python -m experiments.results.reference_records"
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Run:
    """A folder of `artifacts/reference/`."""

    folder: Path

    @cached_property
    def rows(self) -> list[Row]:
        """The estimates of report questions."""
        every = read_lines(self.folder / "estimates.jsonl")
        return [row for row in every if row["split"] == "report"]

    @cached_property
    def verdicts(self) -> list[Row]:
        """One verdict per organism."""
        return list(read_lines(self.folder / "verdicts.jsonl"))

    @cached_property
    def manifest(self) -> Row:
        """The manifest of the run."""
        found: Row = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return found

    @property
    def family(self) -> str:
        """The families of the run, in the form used in records."""
        return ", ".join(sorted({row["family"] for row in self.rows if row["family"]}))

    def contained(self) -> list[Row]:
        """Rows of the organisms whose verdict says that they are contained."""
        names = {organism(verdict) for verdict in self.verdicts if verdict["contained"] == "yes"}
        return [r for r in self.rows if r["model"] == "fine_tuned" and organism(r) in names]

    def guard(self, part: str) -> list[Row]:
        """The rows of one part of the guard, for every organism."""
        files = sorted((self.folder / "guard" / part).glob("*.jsonl"))
        return [row for file in files for row in read_lines(file)]

    def source(self, command: str = COMMAND) -> Record:
        """Command, commit and day for its records."""
        manifest = self.manifest
        return {
            "command": command,
            "commit": manifest["git"]["commit"],
            "date": manifest["ended"][:10],
        }

    def record(self, name: str, row: Row, **wanted: Any) -> Record:
        """A record of one row, named after its organism."""
        numbers = {key: row[key] for key in ("value", "lower", "upper", "n")}
        where = f" ({organism(row)})" if organism(row) else ""
        return {"name": f"{name}{where}"} | numbers | wanted | self.source()

    def count(self, name: str, value: int, n: int, **wanted: Any) -> Record:
        """A record of a count out of n."""
        return {"name": name, "value": value, "n": n} | wanted | self.source()

    def ends(self, name: str, rows: list[Row]) -> tuple[Record, Record]:
        """The lowest and highest of these rows (of equal ones, the first); intervals are simultaneous."""
        known = [row for row in rows if row["value"] is not None]
        ends = {
            "lowest": min(known, key=lambda r: r["value"]),
            "highest": max(known, key=lambda r: r["value"]),
        }
        lowest, highest = (
            self.record(f"{name}, {end} of {len(rows)}", stretched(row, len(rows)))
            for end, row in ends.items()
        )
        return lowest, highest


def stretched(row: Row, among: int) -> Row:
    """The row with its interval stretched for a pick from `among` rows (Bonferroni, exponential tails)."""
    if row["lower"] is None or row["upper"] is None or row["value"] is None:
        return row
    value, kind, factor = (
        row["value"],
        row["quantity"],
        1 + log(among) / log(2 / (1 - row["level"])),
    )
    share = kind.endswith(("rate", "auroc", "caught", "passing"))
    ranks = kind.endswith("correlation")
    floor = -1.0 if ranks else 0.0 if share or kind.endswith("brings") else -inf
    ceiling = 1.0 if share or ranks or kind.endswith(("drop", "takes")) else inf
    lower = max(value - factor * (value - row["lower"]), min(floor, row["lower"]))
    upper = min(value + factor * (row["upper"] - value), max(ceiling, row["upper"]))
    return row | {"lower": lower, "upper": upper}


def where(rows: Iterable[Row], **columns: Any) -> list[Row]:
    """Rows with these values; a tuple allows several."""
    wanted = {
        key: value if isinstance(value, tuple) else (value,) for key, value in columns.items()
    }
    return [row for row in rows if all(row[key] in values for key, values in wanted.items())]


def groups(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of some columns; rows that lack a value are left out."""
    parts: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = tuple(row[column] for column in columns)
        if None not in key:
            parts.setdefault(key, []).append(row)
    return dict(sorted(parts.items()))


def organism(row: Row) -> str:
    """The name family-sSEED-arm-trigger, without parts that are null in the row."""
    seed = None if row.get("seed") is None else f"s{row['seed']}"
    parts = (row.get("family"), seed, row.get("arm"), row.get("trigger"))
    return "-".join(part for part in parts if part is not None)


def read_lines(path: Path) -> Iterator[Row]:
    """The objects of a JSON-lines file."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
