"""The folder in which models are kept, and how to add one atomically, by renaming."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from experiments.runtime.files import sync_tree
from interp.errors import TriggerLensError

VARIABLE = "TRIGGERLENS_CACHE"


def cache_folder() -> Path:
    """The folder that TRIGGERLENS_CACHE names, or the user's cache folder."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else user_cache_path("triggerlens")


def folder_of(name: str) -> Path:
    """Where the catalogue's model `name` is, or will be."""
    return cache_folder() / "models" / name


def build(target: Path, make: Callable[[Path], None]) -> Path:
    """`target`, which `make` fills under another name first; a second process waits and uses the first's result."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name}.partial"
    with FileLock(target.parent / f".{target.name}.lock"):
        if not target.is_dir():
            shutil.rmtree(partial, ignore_errors=True)  # left by a killed process
            partial.mkdir()
            try:
                make(partial)
                sync_tree(partial)
                partial.rename(target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return target


def check_room(folder: Path, needed: int) -> None:
    """Raise if the disk of `folder` has fewer than `needed` bytes left."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise TriggerLensError(
            f"{folder}: {in_mb(needed)} are needed and {in_mb(free)} are free; free some space, or set {VARIABLE}"
            " to a folder on another disk"
        )


def in_mb(size: int) -> str:
    """Bytes as megabytes (10^6)."""
    return f"{size / 1e6:,.0f} MB"
