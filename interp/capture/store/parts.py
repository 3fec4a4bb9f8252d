"""Make shards in several processes or machines and gather them: the files are the same as from a single writer.

1. `StoreWriter.plan` says which sequences each missing shard holds.
2. `make_part` makes one shard in its own folder inside the store. The folder appears atomically, and a complete one is
   left alone, so a process that is killed loses only its current shard.
3. `gathering` holds the store's lock, yields the missing parts, and afterwards moves all parts into the store in order.

    with open_writer(folder, lm) as writer:
        plan = writer.plan(prompts)
    with gathering(folder, plan) as missing:
        ...                                   # make_part(folder, maker, part) for each, anywhere
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from interp.capture.sequences import TokenSequence
from interp.capture.store.errors import DamagedStore, OtherStore, StoreBusy
from interp.capture.store.identity import cache_key, hash_json
from interp.capture.store.making import ShardMaker
from interp.capture.store.manifest import Manifest, Shard
from interp.capture.store.shards import sequence_key
from interp.io.files import flush, put
from interp.io.locks import locked

PARTS = ".parts"
RECORD = "part.json"


@dataclass(frozen=True)
class Part:
    """One shard to be made: `first` is the number of its first sequence in the store, `identity` is the store's."""

    number: int
    first: int
    sequences: tuple[TokenSequence, ...]
    identity: str

    @property
    def key(self) -> str:
        """A hash of everything that determines its contents."""
        keys = [sequence_key(sequence, "").hex() for sequence in self.sequences]
        return hash_json([self.number, self.first, keys, self.identity])

    def home(self, store: Path) -> Path:
        """Its folder until it is gathered."""
        return store / PARTS / f"shard-{self.number:05}"


def parts_of(manifest: Manifest, windows: Sequence[Sequence[TokenSequence]]) -> list[Part]:
    """The parts to append to a store, one for each window."""
    identity, first, found = cache_key(manifest.identity), manifest.sequences, []
    for number, window in enumerate(windows, start=len(manifest.shards)):
        found.append(Part(number, first, tuple(window), identity))
        first += len(window)
    return found


def make_part(store: Path | str, maker: ShardMaker, part: Part) -> None:
    """Make one part unless it exists; several processes may do so at once."""
    store = Path(store)
    if cache_key(maker.identity) != part.identity:
        raise OtherStore(
            f"{store}: shard {part.number} was planned with another model, other code or settings; start again"
        )
    if is_made(store, part):
        return
    home = part.home(store)
    temporary = home.parent / f".making-{part.number:05}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir(parents=True)
    try:
        shard = maker.make(temporary, part.number, part.sequences, "", part.first)
        _write_record(temporary / RECORD, part, shard)
        if not is_made(store, part):  # another process may have been faster
            shutil.rmtree(home, ignore_errors=True)
            temporary.rename(home)
            flush(home.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_made(store: Path, part: Part) -> bool:
    """Whether a part exists, is complete, and is the one that was planned."""
    try:
        _record(store, part)
    except DamagedStore:
        return False
    return True


@contextmanager
def gathering(store: Path | str, parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Lock the store and yield its missing parts, to be made elsewhere; on exit, move all parts into the store."""
    store = Path(store)
    with locked(store, StoreBusy):
        manifest = Manifest.read(store)
        if parts:
            _check(store, manifest, parts[0])
        yield [part for part in parts if not is_made(store, part)]
        for part in parts:
            manifest = _taken_in(store, manifest, part)
        shutil.rmtree(store / PARTS, ignore_errors=True)


def _check(store: Path, manifest: Manifest, part: Part) -> None:
    """Raise unless the store is as it was when the parts were planned."""
    if cache_key(manifest.identity) != part.identity or len(manifest.shards) != part.number:
        raise OtherStore(f"{store} was written to since the shards were planned; start again")


def _taken_in(store: Path, manifest: Manifest, part: Part) -> Manifest:
    """Move a part's files into the store; after a kill before the manifest names them, they are made again."""
    shard, home = _record(store, part), part.home(store)
    for record in (shard.values, shard.index):
        os.replace(home / record.name, store / record.name)
    flush(store)
    manifest = manifest.with_shard(shard)
    manifest.write(store)
    shutil.rmtree(home)
    return manifest


def _write_record(path: Path, part: Part, shard: Shard) -> None:
    facts: dict[str, Any] = {"key": part.key, "shard": asdict(shard)}
    text = json.dumps({**facts, "sha256": hash_json(facts)})
    put(path, lambda target: target.write_text(text, encoding="utf-8"))


def _record(store: Path, part: Part) -> Shard:
    """The shard in a part's folder, checked against its hashes."""
    home = part.home(store)
    try:
        facts: Mapping[str, Any] = json.loads((home / RECORD).read_text(encoding="utf-8"))
        stated = {name: facts[name] for name in ("key", "shard")}
        if facts["sha256"] != hash_json(stated) or facts["key"] != part.key:
            raise DamagedStore(f"{home} is not the shard that was planned; start again")
        shard = Shard.of(facts["shard"])
        shard.values.check(home, content=True)
        shard.index.check(home, content=True)
    except DamagedStore:
        raise
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedStore(f"{home} cannot be read ({error!r:.200}); start again") from error
    return shard
