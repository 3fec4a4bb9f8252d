"""A committed run as tables, and the conversion of rows into records."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.results.picked import limits_of
from experiments.results.records import Record
from experiments.runtime.files import read_json, read_jsonl
from probes.estimate import Estimate
from probes.simultaneous import widened

COMMAND = "python -m experiments.results.reference_records"
NAME_COLUMNS = ("family", "seed", "arm", "trigger")


@dataclass(frozen=True)
class ReferenceRun:
    """The estimates and verdicts of a run, and the commit and day that its manifest names."""

    folder: Path
    estimates: pd.DataFrame
    verdicts: tuple[dict[str, Any], ...]
    commit: str | None
    date: str | None

    @classmethod
    def read(cls, folder: Path) -> "ReferenceRun":
        """Read a run; an error if a file is missing or damaged."""
        manifest = read_json(folder / "manifest.json")
        return cls(
            folder,
            pd.DataFrame(read_jsonl(folder / "estimates.jsonl")),
            tuple(read_jsonl(folder / "verdicts.jsonl")),
            manifest["git"]["commit"],
            manifest["ended"][:10],
        )

    def families(self) -> list[str]:
        """The model families of the run."""
        return sorted(self.estimates["family"].dropna().unique())

    def reported(self, **columns: Any) -> pd.DataFrame:
        """Rows on report questions; None means that the column must be empty, a list allows several values."""
        rows = self.estimates
        for column, wanted in {"split": "report", **columns}.items():
            if wanted is None:
                rows = rows[rows[column].isna()]
            else:
                rows = rows[rows[column].isin(wanted if isinstance(wanted, list) else [wanted])]
        return rows

    def contained(self, **columns: Any) -> pd.DataFrame:
        """The same for the organisms whose verdict says that they are contained."""
        rows = self.reported(model="fine_tuned", **columns)
        keys = {self._key(v) for v in self.verdicts if v["contained"] == "yes"}
        return rows[[self._key(row) in keys for row in rows.to_dict("records")]]

    def extremes(self, name: str, rows: pd.DataFrame) -> list[Record]:
        """The lowest and the highest row with their organisms, and intervals that hold for all rows at once."""
        lowest, highest = (self.best(rows, place) for place in _ends(rows["value"]))
        return [
            self.record(f"{name}, lowest of {len(rows)}", lowest),
            self.record(f"{name}, highest of {len(rows)}", highest),
        ]

    @staticmethod
    def best(rows: pd.DataFrame, place: Any) -> dict[Any, Any]:
        """The row at a place, with an interval that is simultaneous over all rows."""
        row = rows.loc[place].to_dict()
        value, lower, upper = (_number(row[name]) for name in ("value", "lower", "upper"))
        own = Estimate(value, lower, upper, row["level"], int(row["n"]), row["method"])
        wide = widened(own, len(rows), limits=limits_of(row["quantity"]))
        return row | {"lower": wide.lower, "upper": wide.upper}

    def record(self, name: str, row: Mapping[Any, Any], **wanted: Any) -> Record:
        """One row as a record, named after its organism."""
        organism = _organism(row)
        return Record(
            name=f"{name} ({organism})" if organism else name,
            value=_number(row["value"]),
            lower=_number(row["lower"]),
            upper=_number(row["upper"]),
            n=int(row["n"]),
            **wanted,
            **self.origin(),
        )

    def count(self, name: str, value: float, n: int, **wanted: Any) -> Record:
        """A record of a count out of `n`."""
        return Record(name=name, value=value, n=n, **wanted, **self.origin())

    def origin(self) -> dict[str, Any]:
        """The columns of every record that say where it came from."""
        return {"command": COMMAND, "commit": self.commit, "date": self.date}

    @staticmethod
    def _key(row: dict[Any, Any]) -> tuple[Any, ...]:
        return tuple(row[column] for column in ("family", "seed", "arm", "trigger"))


def _organism(row: Mapping[Any, Any]) -> str:
    parts = [(column, row.get(column)) for column in NAME_COLUMNS]
    return "-".join(
        f"s{part:.0f}" if column == "seed" else str(part)
        for column, part in parts
        if not pd.isna(part)
    )


def _number(value: Any) -> float | None:
    """The number, or None if it is undefined or infinite."""
    return float(value) if value is not None and math.isfinite(value) else None


def _ends(values: "pd.Series[float]") -> tuple[Any, Any]:
    return values.idxmin(), values.idxmax()
