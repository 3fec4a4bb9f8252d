"""Files that are there as a whole or not at all: written beside their place, flushed, renamed."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from interp.store.errors import StoreBusy

UNFINISHED = ".tmp"  # suffix of a file that is being written


def put(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file beside its place, flush it and rename it there."""
    temporary = path.with_name(path.name + UNFINISHED)
    write(temporary)
    flush(temporary)
    os.replace(temporary, path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Bring a file or the entries of a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The hash of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the store's lock; it dies with its holder, so a killed writer leaves none."""
    with open(folder / ".lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise StoreBusy(
                f"{folder} is being written by process {holder}; wait for it, or choose another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
