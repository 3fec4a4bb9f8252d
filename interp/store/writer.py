"""Write a store shard by shard, in bounded memory; go on where a killed writer stopped.

A call that is repeated adds only what is missing: sequences are known by content, and the second of two equal ones (two
equal answers, say) is a row of its own. Rows that only look like earlier ones belong to another `part`.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

import torch

from interp.backends import Backend, hooks
from interp.capture import How, Positions, by_name, chosen_layers
from interp.completions import Completions
from interp.files import UNFINISHED
from interp.language_model import LanguageModel
from interp.locks import locked
from interp.picks import Layout, Reading
from interp.places import check_site
from interp.positions import Position, last_prompt_token
from interp.prompts import PromptSet
from interp.reading import Engine
from interp.sequences import TokenSequence, of_answers, of_prompts
from interp.store.errors import DamagedStore, StoreBusy
from interp.store.identity import code_hash, identity_of, position_hash
from interp.store.manifest import MANIFEST, Manifest
from interp.store.shards import read_index, sequence_key, write_shard

SHARD_BYTES = 32 * 2**20
SHARD_FILE = re.compile(r"shard-\d{5,}\.(safetensors|parquet)")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


Texts = PromptSet | Completions | Iterable[TokenSequence]


def as_sequences(texts: Texts) -> Iterable[TokenSequence]:
    """Prompts, or prompts with their answers, as token sequences."""
    if isinstance(texts, PromptSet):
        return of_prompts(texts)
    return of_answers(texts) if isinstance(texts, Completions) else texts


@dataclass
class StoreWriter:
    """A store that is open for writing; made by `open_writer`."""

    folder: Path
    engine: Engine
    readings: Mapping[tuple[str, str], Reading]  # by position and site
    manifest: Manifest
    shard_bytes: int
    _stored: Counter[bytes] = field(default_factory=Counter)
    closed: bool = False

    def add(self, texts: Texts, *, part: str = "") -> int:
        """Read what the store does not hold yet, shard by shard; how many sequences that were."""
        if self.closed:
            raise ValueError(
                f"the writer of {self.folder} is closed; add inside `with open_writer`"
            )
        added = 0
        for window in self._windows(self._missing(as_sequences(texts), part)):
            self._write(window, part)
            added += len(window)
        return added

    def _missing(self, texts: Iterable[TokenSequence], part: str) -> Iterator[TokenSequence]:
        seen: Counter[bytes] = Counter()
        for sequence in texts:
            key = sequence_key(sequence, part)
            seen[key] += 1
            if seen[key] > self._stored[key]:
                yield sequence

    def _windows(self, sequences: Iterable[TokenSequence]) -> Iterator[list[TokenSequence]]:
        """As many sequences at a time as fill a shard."""
        window: list[TokenSequence] = []
        size = 0
        for sequence in sequences:
            window.append(sequence)
            size += self._bytes(sequence)
            if size >= self.shard_bytes:
                yield window
                window, size = [], 0
        if window:
            yield window

    def _bytes(self, sequence: TokenSequence) -> int:
        width = self.engine.lm.d_model * self.engine.dtype.itemsize
        return sum(
            Layout.of(each.position, [sequence]).first[-1] * len(each.layers) * width
            for each in self.readings.values()
        )

    def _write(self, window: Sequence[TokenSequence], part: str) -> None:
        named = {f"{position} {site}": each for (position, site), each in self.readings.items()}
        read = self.engine.read(window, named)
        by_place = {key: read[f"{key[0]} {key[1]}"] for key in self.readings}
        layers = next(iter(self.readings.values())).layers
        first = sum(shard.sequences for shard in self.manifest.shards)
        number = len(self.manifest.shards)
        shard = write_shard(self.folder, number, window, part, first, by_place, layers)
        self.manifest = self.manifest.with_shard(shard)
        self.manifest.write(self.folder)
        self._stored.update(sequence_key(sequence, part) for sequence in window)


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
    if dtype not in DTYPES.values():
        raise ValueError(f"a store holds {' or '.join(DTYPES)}, not {dtype}")
    if how.get("interventions"):
        raise ValueError("a store holds the model as it is; capture with interventions in memory")
    folder, named = Path(folder), by_name(positions)
    chosen = chosen_layers(lm, layers)
    if isinstance(sites, str) or not sites or not named:
        raise ValueError(
            f"sites={sites!r}, positions={list(named)}: give a list of at least one each"
        )
    for site in sites:
        check_site(site)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; a store needs a folder")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, StoreBusy):
        identity = store_identity(
            lm,
            layers=chosen,
            positions=named,
            sites=sites,
            dtype=dtype,
            backend=how.get("backend", hooks),
        )
        manifest = _open(folder, identity)
        readings = {
            (name, site): Reading(each, chosen, site)
            for name, each in named.items()
            for site in sites
        }
        engine = Engine(lm, dtype=dtype, **how)
        writer = StoreWriter(
            folder, engine, readings, manifest, shard_bytes, _stored(folder, manifest)
        )
        try:
            yield writer
        finally:
            writer.closed = True


def store_identity(
    lm: LanguageModel,
    *,
    layers: Sequence[int],
    positions: Mapping[str, Position],
    sites: Sequence[str],
    dtype: torch.dtype,
    backend: Backend = hooks,
) -> dict[str, Any]:
    """Everything that decides the rows of a store but its prompts."""
    return {
        **identity_of(lm),
        "code": code_hash(),
        "backend": getattr(backend, "__name__", str(backend)),
        "positions": {name: position_hash(each) for name, each in positions.items()},
        "sites": list(sites),
        "layers": list(layers),
        "dtype": str(dtype).removeprefix("torch."),
        "d_model": lm.d_model,
    }


def _open(folder: Path, identity: Mapping[str, Any]) -> Manifest:
    """The manifest of this store, a new one where there is none; what no manifest names is swept."""
    fresh = not (folder / MANIFEST).exists()
    manifest = Manifest(identity) if fresh else Manifest.read(folder)
    manifest.require(identity, folder)
    counted = {record.name for shard in manifest.shards for record in (shard.values, shard.index)}
    left = [path for path in sorted(folder.iterdir()) if _left_over(path.name, counted)]
    lost = [path for path in left if fresh and SHARD_FILE.fullmatch(path.name)]
    if lost:  # a manifest is there before the first shard
        raise DamagedStore(
            f"{lost[0]} is there but no {MANIFEST}; put it back, or choose another folder"
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
    """Whether a killed writer left this file; whatever else lies in the folder is not ours."""
    whole = name.removesuffix(UNFINISHED)
    ours = whole == MANIFEST or SHARD_FILE.fullmatch(whole) is not None
    return ours and (name != whole or (whole != MANIFEST and name not in counted))


def _stored(folder: Path, manifest: Manifest) -> Counter[bytes]:
    """How often each sequence is in the store."""
    found: Counter[bytes] = Counter()
    for shard in manifest.shards:
        lines = read_index(folder / shard.index.name, ["sequence", "key"]).to_pydict()
        found.update(dict(zip(lines["sequence"], lines["key"], strict=True)).values())
    return found
