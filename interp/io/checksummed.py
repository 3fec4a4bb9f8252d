"""Tensors beside a JSON file that seals them: `PATH.safetensors` (tensors) and `PATH.json` (everything else).

The JSON file is written last and holds two hashes, of the tensors' file and of its own facts. A file that is missing,
cut short or changed by one byte is refused by name. Each file is written atomically; after a kill between the two, the
old JSON file is beside new tensors, which is refused too.
Older files without hashes are refused, because their content cannot be checked.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from interp.errors import TriggerLensError
from interp.io.files import put, sha256

HASHES = ("sha256", "facts_sha256")  # of the tensors' file, and of all other facts


def save_sealed(
    path: str | Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], *, indent: int | None
) -> None:
    """Write both files; makes the parent folder."""
    seal = hash_facts(facts)  # first: what JSON cannot hold raises before anything is written
    written, described = Path(f"{path}.safetensors"), Path(f"{path}.json")
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    put(written, lambda target: save_file(whole, target))
    stated = {**facts, "sha256": sha256(written), "facts_sha256": seal}
    text = json.dumps(stated, indent=indent) + "\n"
    put(described, lambda target: target.write_text(text, encoding="utf-8"))


def load_facts(
    path: str | Path, kind: str, needed: Collection[str], *, again: str
) -> dict[str, Any]:
    """The facts beside the tensors, if both files are as `save_sealed` wrote them.

    Args:
        path: what was given to save, without a suffix.
        kind: what it should be ("direction"), for the messages.
        needed: the facts that such a file has.
        again: how to make it again ("fit it again"), for the messages.

    Raises:
        ValueError: a file is missing, damaged, changed, of another kind, or older than the seal.
    """
    written, described = Path(f"{path}.safetensors"), Path(f"{path}.json")
    if not described.is_file():
        raise TriggerLensError(
            f"{kind} {path}: no {described}; give the path that save() was given"
        )
    facts = _parsed(path, kind, described, again)
    if not isinstance(facts, dict) or not set(needed) <= set(facts):
        raise TriggerLensError(
            f"{kind} {path}: {described} holds no {kind}; give the path that save() was given"
        )
    if not set(HASHES) <= set(facts):
        raise TriggerLensError(
            f"{kind} {path}: {described} has no hashes of its files, so they cannot be checked; {again}"
        )
    stated, seal = (facts.pop(name) for name in HASHES)
    if seal != hash_facts(facts):
        raise TriggerLensError(f"{kind} {path}: {described} is not what was saved; {again}")
    if not written.is_file():
        raise TriggerLensError(f"{kind} {path}: no {written}; put it back, or {again}")
    if stated != sha256(written):
        raise TriggerLensError(
            f"{kind} {path}: {written} is not what was saved (changed, or cut short); {again}"
        )
    return facts


def load_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors; `load_facts` says whether they are what was saved."""
    return load_file(f"{path}.safetensors")


def hash_facts(facts: Mapping[str, Any]) -> str:
    """SHA-256 of facts as JSON keeps them; the order of keys does not matter."""
    kept = json.loads(json.dumps(facts))
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _parsed(path: str | Path, kind: str, described: Path, again: str) -> Any:
    try:
        return json.loads(described.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise TriggerLensError(
            f"{kind} {path}: {described} is damaged ({error}); {again}"
        ) from error
