"""Files that are there as a whole or not at all: written beside their place, flushed, renamed."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

UNFINISHED = ".tmp"  # suffix of a file that is being written


def put(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file beside its place, flush it and rename it there."""
    temporary = path.with_name(path.name + UNFINISHED)
    write(temporary)
    flush(temporary)
    os.replace(temporary, path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Bring a file or the entries of a folder to the disk; Windows flushes neither through such a descriptor."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The hash of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
