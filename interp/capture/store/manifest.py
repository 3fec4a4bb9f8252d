"""The manifest: what made the store and which shards belong to it, with hashes of every shard and of itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from interp.capture.store.errors import DamagedStore, OtherStore
from interp.capture.store.identity import NOT_COMPARED, hash_json
from interp.io.files import put, sha256

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class FileRecord:
    """Size and hash of a shard's file at the time it was written."""

    name: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileRecord":
        """Read a file's size and hash."""
        return cls(path.name, path.stat().st_size, sha256(path))

    def check(self, folder: Path, *, content: bool) -> Path:
        """The path, or an error unless the file exists with its size and, with `content`, has its hash."""
        path = folder / self.name
        if not path.is_file():
            raise DamagedStore(f"{path} is missing; put it back, or write the store again")
        if path.stat().st_size != self.bytes:
            raise DamagedStore(
                f"{path} has {path.stat().st_size} bytes but was written with {self.bytes}; "
                "put it back, or write the store again"
            )
        if content and sha256(path) != self.sha256:
            raise DamagedStore(
                f"{path} has changed since it was written; put it back, or write the store again"
            )
        return path


@dataclass(frozen=True)
class Shard:
    """Rows that were written together; `prompts` hashes the sequences they were read from."""

    rows: int
    sequences: int
    prompts: str
    values: FileRecord
    index: FileRecord

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Shard":
        """The inverse of `asdict`."""
        files = {name: FileRecord(**row[name]) for name in ("values", "index")}
        return cls(**{**row, **files})


@dataclass(frozen=True)
class Manifest:
    """The identity of everything in the store, and its shards in order."""

    identity: Mapping[str, Any]
    shards: tuple[Shard, ...] = ()

    @property
    def sequences(self) -> int:
        """How many sequences the store holds."""
        return sum(shard.sequences for shard in self.shards)

    def with_shard(self, shard: Shard) -> "Manifest":
        """The manifest with one more shard."""
        return replace(self, shards=(*self.shards, shard))

    @property
    def prompts(self) -> str:
        """One hash over all sequences, in order."""
        return hash_json([shard.prompts for shard in self.shards])

    def write(self, folder: Path) -> None:
        """Replace the manifest of a store atomically."""
        facts: dict[str, Any] = {
            "format": FORMAT,
            "identity": dict(self.identity),
            "prompts": self.prompts,
            "shards": [asdict(shard) for shard in self.shards],
        }
        facts["sha256"] = hash_json(facts)
        text = json.dumps(facts, indent=1) + "\n"
        put(folder / MANIFEST, lambda path: path.write_text(text, encoding="utf-8"))

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of a store, or a one-line error that says what is wrong with it."""
        path = folder / MANIFEST
        if not path.is_file():
            raise DamagedStore(
                f"{folder} is not an activation store: it has no {MANIFEST}; write the store again"
            )
        try:
            facts = _parsed(path)
            if facts.get("format") != FORMAT:
                raise OtherStore(
                    f"{path} has format {facts.get('format')!r}, but this version reads {FORMAT}; "
                    "read it with the version that wrote it, or write the store again"
                )
            stated = facts.pop("sha256")
            if stated != hash_json(facts):
                raise DamagedStore(
                    f"{path} has changed since it was written; write the store again"
                )
            shards = tuple(map(Shard.of, facts["shards"]))
        except (AttributeError, KeyError, TypeError, RecursionError) as e:
            raise DamagedStore(f"{path} cannot be read ({e!r}); write the store again") from e
        return cls(facts["identity"], shards)

    def require(self, identity: Mapping[str, Any], folder: Path) -> None:
        """Raise unless the store has this identity; the error names the entries that differ."""
        differing = [
            name
            for name in identity
            if name not in NOT_COMPARED and self.identity.get(name) != identity[name]
        ]
        if differing:
            theirs = {name: _short(self.identity.get(name)) for name in differing}
            ours = {name: _short(identity[name]) for name in differing}
            raise OtherStore(
                f"{folder} was made from {self.identity.get('model')!r} with other "
                f"{', '.join(differing)}: {theirs}, but now {ours}; choose another folder"
            )


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedStore(f"{path} cannot be read ({error}); write the store again") from error


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    return value[:8] if isinstance(value, str) and len(value) == 64 else value
