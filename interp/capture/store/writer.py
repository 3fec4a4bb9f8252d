"""Write a store shard by shard, in bounded memory; continue where a killed writer stopped.

A repeated call adds only what is missing. Sequences are recognised by content, and the second of two equal ones in one
call (two equal answers, say) gets its own row. New sequences that happen to equal earlier ones need another `part`.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

import torch

from interp.capture.api import How, Positions
from interp.capture.positions import last_prompt_token
from interp.capture.sequences import TokenSequence
from interp.capture.store.errors import DamagedStore, StoreBusy
from interp.capture.store.making import ShardMaker, Texts, as_sequences, shard_maker
from interp.capture.store.manifest import MANIFEST, Manifest
from interp.capture.store.parts import Part, parts_of
from interp.capture.store.shards import read_index, sequence_key
from interp.errors import TriggerLensError
from interp.io.files import finished_name
from interp.io.locks import locked
from interp.models.language_model import LanguageModel

SHARD_BYTES = 32 * 2**20
SHARD_FILE = re.compile(r"shard-\d{5,}\.(safetensors|parquet)")


@dataclass
class StoreWriter:
    """A store that is open for writing; made by `open_writer`."""

    folder: Path
    maker: ShardMaker
    manifest: Manifest
    shard_bytes: int
    _stored: Counter[bytes] = field(default_factory=Counter)
    closed: bool = False

    def add(self, texts: Texts, *, part: str = "") -> int:
        """Read what the store does not hold yet, shard by shard; returns the number of sequences added."""
        added = 0
        for window in self._windows(texts, part):
            number, first = len(self.manifest.shards), self.manifest.sequences
            shard = self.maker.make(self.folder, number, window, part, first)
            self.manifest = self.manifest.with_shard(shard)
            self.manifest.write(self.folder)
            self._stored.update(sequence_key(sequence, part) for sequence in window)
            added += len(window)
        return added

    def plan(self, texts: Texts) -> list[Part]:
        """The shards that `add` would write, for `interp.capture.store.parts` to make; nothing is read."""
        return parts_of(self.manifest, list(self._windows(texts, "")))

    def _windows(self, texts: Texts, part: str) -> Iterator[list[TokenSequence]]:
        if self.closed:
            raise TriggerLensError(
                f"the writer of {self.folder} is closed; add inside `with open_writer`"
            )
        return self.maker.windows(self._missing(as_sequences(texts), part), self.shard_bytes)

    def _missing(self, texts: Iterable[TokenSequence], part: str) -> Iterator[TokenSequence]:
        seen: Counter[bytes] = Counter()
        for sequence in texts:
            key = sequence_key(sequence, part)
            seen[key] += 1
            if seen[key] > self._stored[key]:
                yield sequence


@contextmanager
def open_writer(
    folder: Path | str,
    lm: LanguageModel,
    *,
    layers: Sequence[int] | None = None,
    positions: Positions = (last_prompt_token,),
    sites: Sequence[str] = ("resid_post",),
    dtype: torch.dtype = torch.float32,
    shard_bytes: int = SHARD_BYTES,
    **how: Unpack[How],
) -> Iterator[StoreWriter]:
    """Make a store, or open one to add to it: only with the same model, code and settings, and one writer at a time."""
    maker = shard_maker(lm, layers=layers, positions=positions, sites=sites, dtype=dtype, **how)
    with opened(folder, maker, shard_bytes) as writer:
        yield writer


@contextmanager
def opened(
    folder: Path | str, maker: ShardMaker, shard_bytes: int = SHARD_BYTES
) -> Iterator[StoreWriter]:
    """The same with a given maker."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise TriggerLensError(f"{folder} is a file; a store needs a folder")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, StoreBusy):
        manifest = _open(folder, maker.identity)
        writer = StoreWriter(folder, maker, manifest, shard_bytes, _stored(folder, manifest))
        try:
            yield writer
        finally:
            writer.closed = True


def _open(folder: Path, identity: Mapping[str, Any]) -> Manifest:
    """The manifest of this store, or a new one if there is none; shard files that it does not name are deleted."""
    fresh = not (folder / MANIFEST).exists()
    manifest = Manifest(identity) if fresh else Manifest.read(folder)
    manifest.require(identity, folder)
    counted = {record.name for shard in manifest.shards for record in (shard.values, shard.index)}
    left = [path for path in sorted(folder.iterdir()) if _left_over(path.name, counted)]
    lost = [path for path in left if fresh and SHARD_FILE.fullmatch(path.name)]
    if lost:  # a manifest is written before the first shard
        raise DamagedStore(
            f"{lost[0]} exists but {MANIFEST} is missing; put it back, or choose another folder"
        )
    for path in left:
        path.unlink()
    for shard in manifest.shards:
        shard.values.check(folder, content=False)
        shard.index.check(folder, content=True)
    if fresh:
        manifest.write(folder)
    return manifest


def _left_over(name: str, counted: Collection[str]) -> bool:
    """Whether a killed writer left this file; any other file in the folder is not ours."""
    whole = finished_name(name)
    ours = whole == MANIFEST or SHARD_FILE.fullmatch(whole) is not None
    return ours and (name != whole or (whole != MANIFEST and name not in counted))


def _stored(folder: Path, manifest: Manifest) -> Counter[bytes]:
    """How often each sequence is in the store."""
    found: Counter[bytes] = Counter()
    for shard in manifest.shards:
        lines = read_index(folder / shard.index.name, ["sequence", "key"]).to_pydict()
        found.update(dict(zip(lines["sequence"], lines["key"], strict=True)).values())
    return found
