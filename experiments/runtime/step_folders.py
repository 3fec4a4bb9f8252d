"""A finished step: a folder whose manifest contains a hash of every file and of itself."""

import logging
import shutil
from pathlib import Path

from experiments.runtime.files import DamagedFile, is_whole, read_json, sha256

log = logging.getLogger("triggerlens")

MANIFEST = "manifest.json"
UNFINISHED = ".making-"  # prefix of the temporary folder of a step


def check_step(folder: Path) -> Path:
    """A finished step's folder; an error names a damaged one."""
    found = fault(folder)
    if found is not None:
        raise DamagedFile(f"{folder} is damaged ({found}); make the run again")
    return folder


def is_complete(folder: Path) -> bool:
    """Whether a step can be used; a damaged one is removed with a warning of one line."""
    if not folder.exists():
        return False
    found = fault(folder)
    if found is None:
        return True
    log.warning("%s is damaged (%s): making it again", folder, found)
    shutil.rmtree(folder)
    return False


def fault(folder: Path) -> str | None:
    """What is wrong with a step folder, in words; None if nothing is."""
    try:
        manifest = read_json(folder / MANIFEST)
        files = manifest["files"].items()
        if not is_whole(manifest):
            return f"{MANIFEST} has changed"
    except FileNotFoundError:
        return "it has no manifest"
    except (DamagedFile, AttributeError, KeyError, TypeError):
        return "its manifest cannot be read"
    for name, expected in files:
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if sha256(path) != expected:
            return f"{name} has changed"
    return None
