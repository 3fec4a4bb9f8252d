"""Rows that hold an estimate, as a data frame: one column for each field and each part of the estimate."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


def frame(rows: Iterable[Any]) -> "pandas.DataFrame":
    """A data frame of dataclass rows with a field `estimate`."""
    import pandas  # here, so that only calls that need a frame wait for the import

    parts = [(asdict(row), asdict(row.estimate)) for row in rows]
    found = pandas.DataFrame([{**row, **estimate} for row, estimate in parts])
    return found.drop(columns="estimate", errors="ignore")
