"""Read files that others wrote; every bad row is named by file, line and reason.

A bad row ends the reading with one line that counts them, unless the caller skips bad rows: then
they are handed back beside the good ones, to be counted aloud.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from experiments.complaints import shortened

SHOWN = 3  # bad rows quoted in one message
LONGEST_LINE = 2**24  # bytes; a longer one is never in memory as a whole

T = TypeVar("T")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True)
class Loaded(Generic[T]):
    """What could be read, and what could not."""

    rows: tuple[T, ...]
    bad: tuple[BadRow, ...] = ()

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def read_rows(
    path: Path | str, parse: Callable[[dict[str, Any]], T], *, skip_bad: bool = False
) -> Loaded[T]:
    """Parse each JSON line of a file; `parse` raises ValueError with the reason for a bad row."""
    return collect(path, _numbered(Path(path)), lambda line: parse(json_object(line)), skip_bad)


def collect(
    path: Path | str,
    numbered: Iterable[tuple[int, Any]],
    parse: Callable[[Any], T],
    skip_bad: bool,
) -> Loaded[T]:
    """Parse numbered rows; good and bad ones apart."""
    rows, bad = [], []
    for number, raw in numbered:
        try:
            rows.append(parse(raw))
        except ValueError as error:
            bad.append(BadRow(str(path), number, shortened(str(error), 200)))
    if bad and not skip_bad:
        raise ValueError(complaint(bad, len(rows) + len(bad)))
    if not rows:
        more = f"; first: {bad[0]}" if bad else ""
        raise ValueError(f"{path} holds no row that can be used{more}")
    return Loaded(tuple(rows), tuple(bad))


def complaint(bad: Sequence[BadRow], total: int) -> str:
    """One line: how many rows are bad, the first of them, and the mend."""
    shown = "; ".join(str(row) for row in bad[:SHOWN])
    more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    return f"{len(bad)} of {total} rows are bad: {shown}{more}. Mend them, or give --skip-bad"


def report_skipped(loaded: Loaded[Any]) -> None:
    """Say on the standard error stream which rows were left out."""
    for bad in loaded.bad:
        print(f"skipped {bad}", file=sys.stderr)


def stream_rows(
    path: Path | str, parse: Callable[[dict[str, Any]], T], bad: Callable[[BadRow], None]
) -> Iterator[tuple[int, T]]:
    """Line number and parsed row, one at a time; bad rows go to `bad` and are left out."""
    for number, line in _numbered(Path(path)):
        try:
            row = parse(json_object(line))
        except ValueError as error:
            bad(BadRow(str(path), number, shortened(str(error), 200)))
        else:
            yield number, row


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name the .jsonl file in it")
    with path.open("rb") as file:
        # lines end in "\n" only: splitlines() would also cut at U+2028 and friends inside a model's answer
        for number, line in enumerate(_lines(file), start=1):
            content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if content.strip():  # a byte-order mark is no data
                yield number, content


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines with their ends; of one that is too long, its first byte too many says so."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)  # left out, up to its end


def _texts(file: IO[bytes], path: Path) -> Iterator[str]:
    """The same as text."""
    for number, line in enumerate(_lines(file), start=1):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"{path} line {number} is longer than {LONGEST_LINE:,} bytes")
        yield line.decode("utf-8-sig" if number == 1 else "utf-8")


def csv_rows(path: Path) -> Iterator[tuple[int, dict[Any, Any]]]:
    """The rows of a CSV file with the line each ends on, as `csv_object` reads them."""
    with path.open("rb") as file:
        reader = csv.DictReader(_texts(file, path))
        try:
            for row in reader:
                yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} line {reader.line_num} is not CSV ({error})") from error


def csv_object(row: dict[Any, Any]) -> dict[str, Any]:
    """A CSV row, an empty field as null; with too many or too few fields, every later one is in the wrong column."""
    if None in row:
        raise ValueError("more fields than the header has: put a text with commas in quotes")
    if None in row.values():
        raise ValueError("fewer fields than the header has")
    return {key: value or None for key, value in row.items() if key}


def json_object(line: bytes) -> dict[str, Any]:
    """The object of one line; ValueError says what is wrong with it."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE:,} bytes")
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 ({error.reason})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read (nested too deeply)") from error
    if not isinstance(row, dict):
        raise ValueError(f"a JSON {type(row).__name__} where an object was expected")
    return row
