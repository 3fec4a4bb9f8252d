"""An organism that somebody else made: the tuning step then holds its name and hash instead of an adapter."""

from pathlib import Path

from experiments.runtime.files import read_json, write_json
from experiments.worlds.chat.config import OwnOrganism
from experiments.worlds.chat.fingerprint import fingerprint

FILE = "organism.json"


def write(folder: Path, own: OwnOrganism) -> None:
    """Note which organism it is, and what its files were."""
    write_json(folder / FILE, {"organism": own.model_dump(), "files": identity(own)})


def read(folder: Path) -> OwnOrganism | None:
    """The organism that a tuning step names; None if the step fine-tuned one."""
    if not (folder / FILE).is_file():
        return None
    return OwnOrganism(**read_json(folder / FILE)["organism"])


def identity(own: OwnOrganism) -> dict[str, object]:
    """The values whose change makes it another organism."""
    return fingerprint(own.adapter or own.checkpoint or "", own.revision)
