"""Checkpoints of a fine-tuning that may be killed at any time.

A checkpoint is valid once it is sealed: a file of hashes, written last, which every other file must match. Others are
removed when the latest is asked for.
"""

import shutil
from pathlib import Path

from experiments.runtime.files import DamagedFile, read_json, sha256, write_json

SEAL = "sealed.json"


def seal(checkpoint: Path) -> None:
    """Mark the folder as finished, with hashes of its files."""
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
    write_json(
        checkpoint / SEAL, {path.relative_to(checkpoint).as_posix(): sha256(path) for path in files}
    )


def latest(folder: Path) -> Path | None:
    """The newest sealed checkpoint in the folder; unfinished and damaged ones are removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[-1]))
    for checkpoint in reversed(found):
        if _is_sealed(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint)
    return None


def _is_sealed(checkpoint: Path) -> bool:
    try:
        files = read_json(checkpoint / SEAL)
    except (FileNotFoundError, DamagedFile):
        return False
    return all(
        (checkpoint / name).is_file() and sha256(checkpoint / name) == expected
        for name, expected in files.items()
    )
