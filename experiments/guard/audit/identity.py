"""Which files a verdict is about: the SHA-256 of every weight and configuration of base and adapter.

`differences` lists the files that have changed since, so that a verdict is not applied to a changed model. A hash is
not a signature: it does not say who wrote the verdict.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.models import resolve
from experiments.runtime.files import sha256
from experiments.worlds.chat.fingerprint import fingerprint
from interp.errors import TriggerLensError

SERVED = "server"
ENDINGS = (".safetensors", ".json", ".bin", ".gguf", ".model", ".jinja", ".txt")


def hashes_of(name: str) -> dict[str, str]:
    """File name -> SHA-256; for a hub name, the commit in the local cache, which stands for all files."""
    path = Path(resolve(name))
    if path.is_file():
        return {path.name: sha256(path)}
    if not path.is_dir():
        return {"commit": str(fingerprint(name, None)["commit"])}
    files = sorted(file for file in path.iterdir() if file.suffix in ENDINGS)
    return {file.name: sha256(file) for file in files}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The files that were changed, added or removed."""
    names = sorted(before.keys() | now.keys())
    return [name for name in names if before.get(name) != now.get(name)]


def check(report: Mapping[str, Any]) -> list[str]:
    """What has changed in a report's base and adapter, one line for each file."""
    try:
        hashes = report["hashes"]
        places = {name: (hashes[name]["place"], hashes[name]["files"]) for name in hashes}
    except (KeyError, TypeError) as error:
        raise TriggerLensError(
            f"it has no hashes ({error}); give the audit.json of an audit"
        ) from None
    if any(SERVED in files for _, files in places.values()):
        raise TriggerLensError("its models were behind a server, so there is no file to compare")
    return [
        f"{name}: {file} in {place} differs from the file that was audited"
        for name, (place, files) in places.items()
        for file in differences(files, hashes_of(place))
    ]
