"""The form of a file of rows, and its rows: the reader behind every command that reads users' data.

| form | recognised by |
|---|---|
| JSON lines, JSON array, JSON objects over several lines | its first two lines |
| CSV with commas, semicolons or tabs | suffix .csv, .tsv or .tab, in any case |
| Parquet, Arrow | its first bytes, or suffix .arrow |
| log of Inspect | suffix .eval; needs the extra `inspect` |
| data set folder | a folder that `datasets` saved; one of several splits as FOLDER:SPLIT |
| data set of triggerlens | a folder that `triggerlens share-data` wrote, or its name on the hub |
| data set of the hub | OWNER/NAME or OWNER/NAME:SPLIT, if no such path exists |

Text may be compressed (gzip, zstd, bz2) and in UTF-8, UTF-16 or UTF-32.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.data import inspect_logs, table_rows
from experiments.data.json_rows import Row, document_rows, is_document, line_rows
from experiments.data.text_files import beginning
from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError

PACKED = (".gz", ".zst", ".bz2")
TABLES = (".csv", ".tsv", ".tab")
SAVED = ("state.json", "dataset_info.json", "dataset_dict.json")
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")


@dataclass(frozen=True)
class Source:
    """Numbered rows; `unit` is what the numbers count: line or row."""

    form: str
    unit: str
    rows: Iterator[tuple[int, Row]]


def open_rows(name: Path | str) -> Source:
    """The rows of a file, folder or data set; ValueError or OSError if it is none of these."""
    source = _source(str(name))
    return Source(source.form, source.unit, _readable(str(name), source.rows))


def _source(name: str) -> Source:
    path = Path(name)
    folder = Path(name.rpartition(":")[0] or name)
    if folder.is_dir():
        if table_rows.is_shared(folder):
            return Source("data set of triggerlens", "row", table_rows.shared_rows(folder))
        if not any((folder / known).is_file() for known in SAVED):
            raise TriggerLensError(f"{path} is a folder: name the file in it")
        return Source("data set folder", "row", table_rows.dataset_rows(name))
    if HUB_NAME.fullmatch(name) and not path.exists() and not path.parent.is_dir():
        return Source("data set of the hub", "row", table_rows.dataset_rows(name))
    return _file(path)


def _file(path: Path) -> Source:
    start, suffix = beginning(path), _suffix(path)
    if start.startswith(b"PAR1"):
        return Source("Parquet", "row", table_rows.parquet_rows(path))
    if start.startswith(b"ARROW1") or suffix == ".arrow":
        return Source("Arrow", "row", table_rows.arrow_rows(path))
    if suffix == ".eval":
        return Source("log of Inspect", "score", inspect_logs.log_rows(path))
    if start.startswith(b"PK\x03\x04"):
        raise TriggerLensError(
            f"{path} is a zip archive or a spreadsheet; unpack it, or save it as CSV"
        )
    try:
        return _text(path, suffix)
    except table_rows.DAMAGED as error:
        raise _unreadable(str(path), error) from error


def _text(path: Path, suffix: str) -> Source:
    if suffix in TABLES:
        words = table_rows.SEPARATORS[table_rows.separator(path)]
        return Source(f"CSV with {words}", "line", table_rows.csv_rows(path))
    if is_document(path):
        return Source("JSON document", "row", document_rows(path))
    return Source("JSON lines", "line", line_rows(path))


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in PACKED), "")


def _readable(name: str, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """The rows; a library's error about a damaged file becomes one line that names the file."""
    try:
        yield from rows
    except table_rows.DAMAGED as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> ValueError:
    return ValueError(f"{name} cannot be read ({shortened(str(error), 200)}); it is damaged")
