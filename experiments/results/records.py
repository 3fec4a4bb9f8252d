"""One published number: what was measured, its interval, its aim, and the command and commit that made it.

`artifacts/results/NAME.json` is a list of these; `experiments.results.pages` makes the result pages of the
documentation from them. A record is written by a command, never by hand.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from experiments.runtime.files import read_json, write_json
from interp.errors import TriggerLensError


class Record(BaseModel):
    """A number with its interval and its origin; None for a part that was not recorded.

    `value`, `lower` and `upper` share one unit: shares are between 0 and 1, anything else is named in `name`.
    `reached` is None if there was no aim.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    wanted: float | str | None = None
    reached: bool | None = None
    command: str | None = None
    commit: str | None = None
    date: str | None = None


def read_records(path: Path) -> list[Record]:
    """The records of a file; an error names the file and the entry if one is malformed."""
    found = read_json(path)
    if not isinstance(found, list):
        raise TriggerLensError(f"{path}: expected a list of records, not {type(found).__name__}")
    return [_record(path, number, entry) for number, entry in enumerate(found)]


def write_records(path: Path, records: Iterable[Record]) -> Path:
    """Write a list of records atomically."""
    return write_json(path, [record.model_dump() for record in records])


def _record(path: Path, number: int, entry: Any) -> Record:
    try:
        return Record.model_validate(entry)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise TriggerLensError(f"{path}, record {number}, {place}: {fault['msg']}") from None
