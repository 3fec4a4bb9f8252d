"""Read and write the small files of a run: JSON, JSON lines, hashes. Every write goes through `interp.io.files`."""

import hashlib
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from interp.errors import TriggerLensError
from interp.io.files import flush, put, sha256

__all__ = [
    "DamagedFile",
    "defined",
    "encodable",
    "is_whole",
    "read_json",
    "read_jsonl",
    "sealed",
    "sha256",
    "sync_tree",
    "to_json",
    "write_json",
    "write_jsonl",
    "write_text",
]

SEAL = "sha256"


class DamagedFile(TriggerLensError):
    """A file exists, but its content is wrong."""


def write_text(path: Path | str, text: str) -> Path:
    """Write `text` to `path` atomically; create the parent folder."""
    return put(Path(path), lambda target: target.write_text(text, encoding="utf-8"))


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Strict JSON: keys sorted, no NaN (an undefined number is null)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=indent)
    return encodable(text)


def write_json(path: Path | str, value: Any) -> Path:
    return write_text(path, to_json(value, indent=2) + "\n")


def read_json(path: Path | str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedFile(f"{path} is not JSON ({error}); delete it and run again") from error


def sealed(value: dict[str, Any]) -> dict[str, Any]:
    """The object with a hash of its own content, so that any change is noticed; an older hash is replaced."""
    return value | {SEAL: _hash(value)}


def is_whole(value: dict[str, Any]) -> bool:
    """Whether an object still matches the hash that `sealed` stored in it."""
    return value.get(SEAL) == _hash(value)


def _hash(value: dict[str, Any]) -> str:
    text = to_json({key: each for key, each in value.items() if key != SEAL})
    return hashlib.sha256(text.encode()).hexdigest()


def write_jsonl(path: Path | str, rows: Iterable[dict[str, Any]]) -> Path:
    return write_text(path, "".join(_line(row) for row in rows))


def _line(row: dict[str, Any]) -> str:
    # key order is kept, so that a row has the order of its schema
    return encodable(json.dumps(row, ensure_ascii=False, allow_nan=False)) + "\n"


def defined(value: Any) -> Any:
    """The value, with every NaN and infinity replaced by null."""
    if isinstance(value, dict):
        return {key: defined(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [defined(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def encodable(text: str) -> str:
    r"""JSON that can be encoded in UTF-8: an unpaired surrogate (from a cut emoji) becomes its escape, \ud83d."""
    return text.encode("utf-8", "backslashreplace").decode()


def read_jsonl(path: Path | str) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file; an error gives the number of the bad line."""
    rows = []
    # split on "\n" only: splitlines() would also split at U+2028 and similar inside a model's answer
    for number, line in enumerate(Path(path).read_bytes().split(b"\n"), start=1):
        if line.strip():
            rows.append(_parse_row(path, number, line))
    return rows


def _parse_row(path: Path | str, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DamagedFile(
            f"{path} line {number} is not JSON ({error}); make the run again"
        ) from error
    if not isinstance(row, dict):
        raise DamagedFile(
            f"{path} line {number} is {type(row).__name__}, not an object; make the run again"
        )
    return row


def sync_tree(folder: Path) -> None:
    """Flush all files and folders below `folder` to disk, before a rename marks them as complete."""
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink():
            flush(path)
