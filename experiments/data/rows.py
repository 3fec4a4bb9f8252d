"""Read users' rows; every bad row is reported with file, place and reason.

If there are bad rows, reading ends with an error of one line that counts them. If the caller skips bad rows,
they are returned with the good ones, so that the caller can report them. Parts of good rows that were not
read are returned too.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from experiments.data.sources import open_rows
from experiments.runtime.complaints import shortened
from experiments.runtime.untrusted_text import inert
from interp.errors import TriggerLensError

SHOWN = 3  # bad rows quoted in one message
LISTED = 20  # bad rows, and remarks, in one report
LONGEST_REASON = 200  # characters
EMPTY = "; give a file with at least one"

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, and why; `line` is the number of its line or, if `unit` says so, of its row."""

    file: str
    line: int
    reason: str
    unit: str = "line"

    def __str__(self) -> str:
        place = f":{self.line}" if self.unit == "line" else f" {self.unit} {self.line}"
        return f"{self.file}{place}: {self.reason}"


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """The rows that could be read, the bad ones, and how often parts of good rows were not read."""

    rows: tuple[T, ...]
    bad: tuple[BadRow, ...] = ()
    numbers: tuple[int, ...] = ()  # of the rows in the file
    form: str = ""  # of the file, such as JSON lines
    unit: str = "line"
    remarks: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def read_rows(
    path: Path | str,
    parse: Callable[[dict[str, Any]], T],
    *,
    skip_bad: bool = False,
    remarks: Mapping[str, int] | None = None,
) -> Loaded[T]:
    """Parse each row of a file in any form; `parse` raises ValueError with the reason for a bad row.

    It may count in `remarks` the parts of good rows that it leaves out.
    """
    source = open_rows(path)
    loaded = collect(path, source.rows, parse, skip_bad, source.unit)
    seen = dict(remarks or {})
    return Loaded(loaded.rows, loaded.bad, loaded.numbers, source.form, source.unit, seen)


def collect(
    path: Path | str,
    numbered: Iterable[tuple[int, Any]],
    parse: Callable[[Any], T],
    skip_bad: bool,
    unit: str = "line",
) -> Loaded[T]:
    """Parse numbered rows, and separate good from bad ones."""
    rows, bad = [], []
    for number, raw in numbered:
        try:
            rows.append((number, parse(_checked(raw))))
        except ValueError as error:
            bad.append(bad_row(path, number, error, unit))
    if bad and not skip_bad:
        raise TriggerLensError(complaint(bad, len(rows) + len(bad)))
    if not rows:
        more = f"; first: {bad[0]}" if bad else ""
        raise TriggerLensError(f"{path} holds no row that can be used{more or EMPTY}")
    good, numbers = tuple(row for _, row in rows), tuple(number for number, _ in rows)
    return Loaded(good, tuple(bad), numbers, unit=unit)


def parse_again(
    path: Path | str, loaded: Loaded[S], parse: Callable[[S], T], *, skip_bad: bool = False
) -> Loaded[T]:
    """Parse rows further; earlier bad rows and remarks are kept with the new ones."""
    numbered = zip(loaded.numbers, loaded, strict=True)
    found = collect(path, numbered, parse, skip_bad, loaded.unit)
    bad = (*loaded.bad, *found.bad)
    return Loaded(found.rows, bad, found.numbers, loaded.form, loaded.unit, loaded.remarks)


def bad_row(path: Path | str, number: int, error: ValueError, unit: str) -> BadRow:
    """A bad row, with its reason shortened to be readable."""
    return BadRow(str(path), number, inert(shortened(str(error), LONGEST_REASON)), unit)


def _checked(raw: Any) -> Any:
    if isinstance(raw, ValueError):
        raise raw
    return raw


def complaint(bad: Sequence[BadRow], total: int) -> str:
    """One line: how many rows are bad, the first of them, and what to do."""
    start = f"{len(bad)} of {total} rows are bad: "
    if len(bad) > 1 and len({row.reason for row in bad}) == 1:
        return f"{start}{bad[0]} (the same in each). Fix them, or give --skip-bad"
    shown = "; ".join(str(row) for row in bad[:SHOWN])
    more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    return f"{start}{shown}{more}. Fix them, or give --skip-bad"


def report_skipped(loaded: Loaded[Any]) -> None:
    """Report on the standard error stream which rows, and which parts of other rows, were left out."""
    for line in report_lines(loaded):
        print(line, file=sys.stderr)


def report_lines(loaded: Loaded[Any]) -> Iterator[str]:
    """One line for each of the first bad rows and remarks, then how many bad rows there were."""
    remarks = Counter(loaded.remarks).most_common()
    yield from (
        f"{count} x {inert(shortened(remark, LONGEST_REASON))}"
        for remark, count in remarks[:LISTED]
    )
    if len(remarks) > LISTED:
        yield f"{len(remarks) - LISTED} more such remarks"
    yield from (f"skipped {row}" for row in loaded.bad[:LISTED])
    if loaded.bad:
        first, total = loaded.bad[0], len(loaded.bad) + len(loaded.rows)
        yield f"{first.file}: {len(loaded.bad)} of {total} rows skipped"


def stream_rows(
    path: Path | str, parse: Callable[[dict[str, Any]], T], bad: Callable[[BadRow], None]
) -> Iterator[tuple[int, T]]:
    """Yield (number, parsed row); bad rows are passed to `bad` and left out."""
    source = open_rows(path)
    for number, raw in source.rows:
        try:
            row = parse(_checked(raw))
        except ValueError as error:
            bad(bad_row(path, number, error, source.unit))
        else:
            yield number, row
