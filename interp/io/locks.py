"""Locks that let one process at a time use a folder or a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def locked(folder: Path, busy: type[ValueError]) -> Iterator[None]:
    """Hold the folder's lock, or raise `busy` with the holder's process id."""
    with held(folder / ".lock", f"{folder} is", "choose another folder", busy):
        yield


@contextmanager
def held(lock: Path, what: str, instead: str, busy: type[ValueError]) -> Iterator[None]:
    """Hold the lock file `lock`, or raise `busy`: "WHAT in use by process N; wait for it, or INSTEAD".

    The system's own lock dies with its holder, so a killed process leaves nothing locked.
    """
    try:
        with FileLock(lock, timeout=0):
            lock.write_text(str(os.getpid()))
            yield
    except Timeout:
        raise busy(f"{what} in use by process {_holder(lock)}; wait for it, or {instead}") from None


def _holder(lock: Path) -> str:
    try:
        return lock.read_text().strip() or "unknown"
    except OSError:  # where a locked file cannot be read
        return "unknown"
