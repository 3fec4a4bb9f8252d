"""Files that are written atomically: to a temporary file in the same folder, flushed, renamed."""

import hashlib
import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path

UNFINISHED = ".*.tmp"  # files that are being written, or that a killed process left


def put(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` make a temporary file, flush it and rename it to `path`; makes the parent folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        write(temporary)
        flush(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    flush(path.parent)
    return path


def finished_name(name: str) -> str:
    """The name that an unfinished file was to have; any other name is returned as it is."""
    return re.sub(r"^\.(.+)\.[0-9a-f]{8}\.tmp$", r"\1", name)


def flush(path: Path) -> None:
    """Flush a file or the entries of a folder to disk; on Windows, where such a descriptor cannot, do nothing."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path | str) -> str:
    """The hash of a file, read in chunks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
