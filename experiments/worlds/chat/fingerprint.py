"""A fingerprint that distinguishes sets of weights without reading thirty gigabytes.

For a folder: each file's size and the hash of its first, middle and last mebibyte. For a hub name: the commit that its
revision refers to in the local cache; before the download, the name and revision as given.
"""

import hashlib
from pathlib import Path

from experiments.models import resolve
from interp.errors import TriggerLensError
from interp.models.adapters import one_line

PIECE = 2**20
SUFFIXES = (".safetensors", ".json", ".jinja", ".model")


def fingerprint(name: str, revision: str | None) -> dict[str, object]:
    """A JSON-serialisable value that changes when the weights, the configuration or the tokenizer do."""
    folder = Path(resolve(name))
    if folder.is_dir():
        files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
        return {"name": folder.name, "files": {path.name: _digest(path) for path in files}}
    return {"name": name, "revision": revision, "commit": _commit(name, revision)}


def fetch(name: str, revision: str | None) -> None:
    """Download a hub model or adapter into the local cache, so that its fingerprint is that of its files."""
    from huggingface_hub import snapshot_download

    if Path(resolve(name)).is_dir():
        return
    patterns = [f"*{suffix}" for suffix in SUFFIXES]
    try:
        snapshot_download(name, revision=revision, allow_patterns=patterns)
    except Exception as error:
        raise TriggerLensError(
            f"{name!r} is not a folder, and not in the hub's cache either ({one_line(error)}); give a folder, or set"
            " HF_HUB_OFFLINE=0 to download it"
        ) from error


def _commit(name: str, revision: str | None) -> str | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for file in ("config.json", "adapter_config.json"):
        try:
            found = try_to_load_from_cache(name, file, revision=revision)
        except HFValidationError as error:
            raise TriggerLensError(
                f"model {name!r}: no such folder, and no name on the hub (OWNER/NAME)"
            ) from error
        if isinstance(found, str):
            return Path(found).parent.name
    return None


def _digest(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for start in sorted({0, max(0, size // 2 - PIECE // 2), max(0, size - PIECE)}):
            file.seek(start)
            digest.update(file.read(PIECE))
    return digest.hexdigest()[:32]
