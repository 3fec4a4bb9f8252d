"""Read a store: memory-mapped, in bounded memory, with every shard checked against its hash before its first use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Float
from torch import Tensor

from interp.activations import Activations
from interp.capture.hook_points import HookPoint
from interp.capture.store.identity import identity_of
from interp.capture.store.manifest import Manifest, Shard
from interp.capture.store.shards import map_values, read_index, tensor_name
from interp.errors import TriggerLensError
from interp.models.adapter_rows import adapter_named
from interp.models.language_model import LanguageModel


@dataclass
class ActivationStore:
    """A store on disk; `lm`, if given, must be the model that made it.

    Opening it checks that every file exists and has its size. Hashes are checked when a shard is first read, or for all
    shards by `verify`. `layers`, `sites`, `positions` and `dtype` say what it holds, `identity` what made it.
    """

    folder: Path | str
    lm: LanguageModel | None = None
    home: Path = field(init=False, repr=False)
    manifest: Manifest = field(init=False, repr=False)
    _verified: set[str] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self.home = Path(self.folder)
        self.manifest = Manifest.read(self.home)
        if self.lm is not None:
            self.manifest.require(identity_of(self.lm), self.home)
        for shard in self.manifest.shards:
            shard.values.check(self.home, content=False)
            shard.index.check(self.home, content=False)

    def __len__(self) -> int:
        return sum(shard.rows for shard in self.manifest.shards)

    @property
    def identity(self) -> dict[str, Any]:
        """What made the store."""
        return dict(self.manifest.identity)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers it holds."""
        return tuple(self.identity["layers"])

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites it holds."""
        return tuple(self.identity["sites"])

    @property
    def positions(self) -> tuple[str, ...]:
        """The positions it holds, by name."""
        return tuple(self.identity["positions"])

    @property
    def dtype(self) -> str:
        """How values are stored: float32 or bfloat16."""
        return self.identity["dtype"]

    def verify(self) -> None:
        """Check the hashes of every shard."""
        for shard in self.manifest.shards:
            self._check(shard)

    def load(
        self,
        *,
        layers: Sequence[int] | None = None,
        site: str | None = None,
        position: str | None = None,
        adapter: str | None = None,
    ) -> Activations:
        """All rows of one site, position and adapter, as float32 in memory."""
        parts = list(
            self.iterate(layers=layers, site=site, position=position, adapter=adapter, rows=None)
        )
        if not parts:
            what = "no rows" if adapter is None else f"no rows of adapter {adapter!r}"
            raise TriggerLensError(f"{self.folder} holds {what}; add prompts with open_writer")
        return Activations(
            torch.cat([part.values for part in parts]),
            parts[0].layers,
            tuple(each for part in parts for each in part.conditions),
            tuple(each for part in parts for each in part.questions),
            parts[0].position,
            parts[0].provenance,
            parts[0].site,
            tuple(each for part in parts for each in part.source),
            tuple(each for part in parts for each in part.token),
        )

    def iterate(
        self,
        *,
        layers: Sequence[int] | None = None,
        site: str | None = None,
        position: str | None = None,
        adapter: str | None = None,
        rows: int | None = 4096,
    ) -> Iterator[Activations]:
        """The same in pieces of at most `rows` rows (None: one shard each), in the order written, one in memory."""
        if rows is not None and rows < 1:
            raise TriggerLensError(
                f"rows={rows}: must be at least 1, or None for a shard at a time"
            )
        chosen = self._one("layer", self.layers, layers)
        site, position = self._only("site", site), self._only("position", position)
        provenance = {
            "model": self.identity["model"],
            "weights": self.identity.get("loaded"),  # adapters included, as in `capture`
            "prompts": self.manifest.prompts,
            "interventions": [],
            "adapter": adapter or adapter_named(self.identity["adapters"], self.identity["active"]),
        }
        for shard in self.manifest.shards:
            index = self._index(shard)
            owners = pc.unique(index["adapter"]).to_pylist()
            if adapter is None and len(owners) > 1:
                raise TriggerLensError(
                    f"{self.folder} holds rows of the adapters {', '.join(map(str, owners))}; name one with adapter="
                )
            wanted = pc.equal(index["position"], position)
            if adapter is not None:
                wanted = pc.and_(wanted, pc.fill_null(pc.equal(index["adapter"], adapter), False))
            kept = np.flatnonzero(wanted.to_numpy(zero_copy_only=False))
            mapped = self._values(shard, [HookPoint(layer, site) for layer in chosen])
            for start in range(0, len(kept), rows or max(1, len(kept))):
                picked = kept[start : start + (rows or len(kept))]
                lines = index.take(picked)
                values = torch.stack([each[torch.from_numpy(picked)] for each in mapped], 1).float()
                yield Activations(
                    values,
                    chosen,
                    tuple(lines["condition"].to_pylist()),
                    tuple(lines["question"].to_pylist()),
                    position,
                    provenance,
                    site,
                    tuple(lines["sequence"].to_pylist()),
                    tuple(lines["token"].to_pylist()),
                )

    def mapped(self, layer: int, site: str | None = None) -> list[Tensor]:
        """One tensor [row, d_model] for each shard, in the stored dtype, read from disk on access."""
        (layer,) = self._one("layer", self.layers, [layer])
        place = HookPoint(layer, self._only("site", site))
        return [self._values(shard, [place])[0] for shard in self.manifest.shards]

    def feed(
        self,
        layer: int,
        *,
        rows: int,
        site: str | None = None,
        seed: int = 0,
        epochs: int | None = None,
        mix_shards: int = 4,
    ) -> Iterator[Float[Tensor, "row d_model"]]:
        """Shuffled float32 batches of exactly `rows` rows, endless or for `epochs` epochs, for training an SAE.

        Shards are drawn in random order and mixed `mix_shards` at a time; that many are in memory. Rows that do not
        fill a batch are carried over to the next shards and epochs.
        """
        if rows < 1 or mix_shards < 1:
            raise TriggerLensError(f"rows={rows}, mix_shards={mix_shards}: both must be at least 1")
        generator = np.random.default_rng(seed)
        shards, left = self.mapped(layer, site), torch.empty(0, self.identity["d_model"])
        epoch = 0
        while shards and (epochs is None or epoch < epochs):
            order = generator.permutation(len(shards))
            for start in range(0, len(order), mix_shards):
                group = [shards[each].float() for each in order[start : start + mix_shards]]
                mixed = torch.cat([left, *group])
                mixed = mixed[torch.from_numpy(generator.permutation(len(mixed)))]
                full = len(mixed) // rows * rows
                if full:  # splitting an empty tensor would give one empty batch
                    yield from mixed[:full].split(rows)
                left = mixed[full:].clone()
            epoch += 1

    def to_pandas(self) -> Any:
        """The index as a data frame: one line for each row of the store, in order."""
        return self._whole_index().drop_columns(["key"]).to_pandas()

    def to_dataset(self) -> Any:
        """A Hugging Face `datasets.Dataset`: the index and a column for each site and layer ("resid_post.3").

        float32 stays memory-mapped on disk; bfloat16, which Arrow lacks, becomes float32 in memory.
        """
        import datasets

        names = [HookPoint(layer, site) for site in self.sites for layer in self.layers]
        table = self._whole_index().drop_columns(["key"])
        for place in names:
            chunks = [_column(self._values(shard, [place])[0]) for shard in self.manifest.shards]
            kind = pa.list_(pa.float32(), self.identity["d_model"])
            table = table.append_column(tensor_name(place), pa.chunked_array(chunks, type=kind))
        return datasets.Dataset(datasets.table.InMemoryTable(table))

    def _whole_index(self) -> pa.Table:
        from interp.capture.store.shards import INDEX

        return pa.concat_tables(
            [INDEX.empty_table(), *(self._index(shard) for shard in self.manifest.shards)]
        )

    def _index(self, shard: Shard) -> pa.Table:
        self._check(shard)
        return read_index(self.home / shard.index.name)

    def _values(self, shard: Shard, places: Sequence[HookPoint]) -> list[Tensor]:
        self._check(shard)
        names = [tensor_name(place) for place in places]
        mapped = map_values(self.home / shard.values.name, names)
        return [mapped[name] for name in names]

    def _check(self, shard: Shard) -> None:
        for record in (shard.values, shard.index):
            if record.name not in self._verified:
                record.check(self.home, content=True)
                self._verified.add(record.name)

    def _one(self, what: str, held: Sequence[int], wanted: Sequence[int] | None) -> tuple[int, ...]:
        for each in wanted or ():
            if each not in held:
                raise TriggerLensError(
                    f"{self.folder} holds no {what} {each}; it holds {list(held)}"
                )
        if wanted is not None and not len(wanted):
            raise TriggerLensError(f"no {what} was asked for; {self.folder} holds {list(held)}")
        return tuple(held) if wanted is None else tuple(sorted(wanted))

    def _only(self, what: str, wanted: str | None) -> str:
        held = {"site": self.sites, "position": self.positions}[what]
        if wanted is None and len(held) == 1:
            return held[0]
        if wanted not in held:
            raise TriggerLensError(
                f"{self.folder} holds the {what}s {', '.join(held)}; name one of them, not {wanted!r}"
            )
        return wanted


def _column(values: Float[Tensor, "row d_model"]) -> pa.Array:
    """The same memory as an Arrow array of fixed-size lists."""
    flat = pa.array(values.float().numpy().reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
