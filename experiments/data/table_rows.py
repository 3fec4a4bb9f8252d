"""The rows of tables: CSV with commas, semicolons or tabs, Parquet, Arrow files, and data sets of `datasets`."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.data.json_rows import Row
from experiments.data.text_files import LONGEST_LINE, check_text, lines, open_text
from experiments.runtime.complaints import shortened
from experiments.runtime.files import sha256
from interp.errors import TriggerLensError
from interp.io.files import put

ROWS, CARD = "data/rows.parquet", "README.md"  # files of a data set that was written here
HASH = "SHA-256 of the rows:"  # text before the hash in the card
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
DAMAGED = (OSError, UnicodeError, pa.ArrowException)  # what reading a damaged file raises
BATCH = 64  # rows of a table in memory at a time


def separator(path: Path) -> str:
    """The separator of a CSV file: the candidate that is most frequent in its first line."""
    with open_text(path) as file:
        header = next(lines(file), "")
    return max(SEPARATORS, key=header.count)


def csv_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file, with the line on which each ends."""
    csv.field_size_limit(LONGEST_LINE)
    with open_text(path) as file:
        reader = csv.DictReader(_short(path, file), delimiter=separator(path))
        try:
            _check_header(path, reader.fieldnames or ())
            for row in reader:
                try:
                    yield reader.line_num, _csv_object(row)
                except ValueError as error:
                    yield reader.line_num, error
        except csv.Error as error:
            raise TriggerLensError(f"{path} line {reader.line_num} is not CSV ({error})") from error


def _short(path: Path, file: Any) -> Iterator[str]:
    for number, line in enumerate(lines(file), start=1):
        if len(line) > LONGEST_LINE:
            raise TriggerLensError(
                f"{path} line {number} is longer than {LONGEST_LINE:,} characters"
            )
        yield line


def _check_header(path: Path, names: Any) -> None:
    twice = {name for name in names if name} if len(set(names)) < len(names) else ()
    for name in twice:
        if list(names).count(name) > 1:
            raise TriggerLensError(f"{path} has two columns {shortened(name, 80)!r}; rename one")


def _csv_object(row: dict[Any, Any]) -> dict[str, Any]:
    """A row, with empty fields as null; an error for too many or too few fields, which shift columns."""
    if None in row:
        raise TriggerLensError("more fields than the header has: put a text with commas in quotes")
    if None in row.values():
        raise TriggerLensError("fewer fields than the header has")
    for value in row.values():
        check_text(value)
    return {key: value or None for key, value in row.items() if key}


def parquet_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a Parquet file, numbered from 1."""
    with pq.ParquetFile(path) as file:
        yield from _numbered(file.iter_batches(batch_size=BATCH))


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as Parquet; a missing key becomes null."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
    path.parent.mkdir(parents=True, exist_ok=True)
    return put(path, lambda target: pq.write_table(table, target, compression="zstd"))


def is_shared(folder: Path) -> bool:
    """Whether a folder is a data set written by `experiments.data.hub_rows`."""
    return (folder / ROWS).is_file() and (folder / CARD).is_file()


def shared_rows(folder: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a data set; an error if their hash differs from the card's."""
    stated = re.search(rf"{re.escape(HASH)} `([0-9a-f]{{64}})`", (folder / CARD).read_text("utf-8"))
    if stated is None or stated[1] != sha256(folder / ROWS):
        raise TriggerLensError(
            f"data set {folder}: {ROWS} is not what its card says (changed, or cut short); download it again"
        )
    yield from parquet_rows(folder / ROWS)


def arrow_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of an Arrow file (Feather too) or stream, numbered from 1."""
    with pa.memory_map(str(path)) as file:
        if file.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(file)
            yield from _numbered(reader.get_batch(n) for n in range(reader.num_record_batches))
        else:
            file.seek(0)
            yield from _numbered(pa.ipc.open_stream(file))


def dataset_rows(name: str) -> Iterator[tuple[int, Row]]:
    """The rows of a folder that `save_to_disk` wrote, or of a data set of the hub, numbered from 1."""
    if (cached := _in_cache(name)) is not None:
        yield from shared_rows(cached)
        return
    yield from _numbered(_dataset(name).with_format("arrow").iter(BATCH))


def _in_cache(name: str) -> Path | None:
    """The folder in the hub's cache of a data set written here, for use offline."""
    from huggingface_hub import constants, try_to_load_from_cache

    if Path(name).exists() or ":" in name or not constants.HF_HUB_OFFLINE:
        return None
    card = try_to_load_from_cache(name, CARD, repo_type="dataset")
    found = Path(card).parent if isinstance(card, str) else None
    return found if found is not None and is_shared(found) else None


def _dataset(name: str) -> Any:
    """The only split of a data set; of several, the one named after a colon."""
    import datasets

    source, _, split = name.partition(":")
    try:
        load = datasets.load_from_disk if Path(source).is_dir() else datasets.load_dataset
        loaded = load(source)
    except Exception as error:
        raise TriggerLensError(
            f"data set {name!r} cannot be loaded ({shortened(str(error), 200)}); name a file or a folder, or, for a"
            " data set of the hub, set HF_HUB_OFFLINE=0"
        ) from error
    if not isinstance(loaded, dict):
        return loaded
    if (split or len(loaded) > 1) and split not in loaded:
        known = ", ".join(f"{source}:{known}" for known in loaded)
        raise TriggerLensError(f"data set {name!r}: name one of its splits: {known}")
    return loaded[split or next(iter(loaded))]


def _numbered(batches: Any) -> Iterator[tuple[int, Row]]:
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH):
            for row in batch.slice(start, BATCH).to_pylist():
                number += 1
                yield number, json.loads(json.dumps(row, default=str))  # dates and decimals as text
