"""How shards are made: the model, what is read from it and how, and the identity of the resulting rows.

A writer makes the shards of a store one after the other; `parts` makes them separately, in several processes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import torch

from interp.capture.api import How, Positions, by_name, chosen_layers
from interp.capture.backends import Backend, hooks
from interp.capture.engine import Engine
from interp.capture.hook_points import check_site
from interp.capture.positions import Position, last_prompt_token
from interp.capture.sequences import TokenSequence, of_answers, of_prompts
from interp.capture.store.identity import CODE, identity_of, position_hash
from interp.capture.store.manifest import Shard
from interp.capture.store.shards import write_shard
from interp.capture.token_selection import Layout, Reading
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.io.code_hash import code_hash
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Texts = PromptSet | Completions | Iterable[TokenSequence]


def as_sequences(texts: Texts) -> Iterable[TokenSequence]:
    """Prompts, or prompts with their answers, as token sequences."""
    if isinstance(texts, PromptSet):
        return of_prompts(texts)
    return of_answers(texts) if isinstance(texts, Completions) else texts


@dataclass(frozen=True)
class ShardMaker:
    """Makes any shard of a store; `identity` is everything that determines its rows, except the prompts."""

    engine: Engine
    readings: Mapping[tuple[str, str], Reading]  # by position and site
    identity: Mapping[str, Any]

    def windows(
        self, sequences: Iterable[TokenSequence], shard_bytes: int
    ) -> Iterator[list[TokenSequence]]:
        """Groups of sequences, each large enough to fill a shard."""
        window: list[TokenSequence] = []
        size = 0
        for sequence in sequences:
            window.append(sequence)
            size += self._bytes(sequence)
            if size >= shard_bytes:
                yield window
                window, size = [], 0
        if window:
            yield window

    def make(
        self, folder: Path, number: int, window: Sequence[TokenSequence], part: str, first: int
    ) -> Shard:
        """Read these sequences and write the shard's files; `first` is the number of the first one in the store."""
        named = {f"{position} {site}": each for (position, site), each in self.readings.items()}
        read = self.engine.read(window, named)
        by_place = {key: read[f"{key[0]} {key[1]}"] for key in self.readings}
        layers = next(iter(self.readings.values())).layers
        return write_shard(folder, number, window, part, first, by_place, layers)

    def _bytes(self, sequence: TokenSequence) -> int:
        width = self.engine.lm.d_model * self.engine.dtype.itemsize
        return sum(
            Layout.of(each.position, [sequence]).first[-1] * len(each.layers) * width
            for each in self.readings.values()
        )


def shard_maker(
    lm: LanguageModel,
    *,
    layers: Sequence[int] | None = None,
    positions: Positions = (last_prompt_token,),
    sites: Sequence[str] = ("resid_post",),
    dtype: torch.dtype = torch.float32,
    **how: Unpack[How],
) -> ShardMaker:
    """The maker that `open_writer` uses; ValueError for settings that a store cannot have."""
    if dtype not in DTYPES.values():
        raise TriggerLensError(f"a store holds {' or '.join(DTYPES)}, not {dtype}")
    if how.get("interventions"):
        raise TriggerLensError(
            "a store holds activations of the unedited model; use capture() for interventions"
        )
    named, chosen = by_name(positions), chosen_layers(lm, layers)
    if isinstance(sites, str) or not sites or not named:
        raise TriggerLensError(
            f"sites={sites!r}, positions={list(named)}: give a list with at least one of each"
        )
    for site in sites:
        check_site(site)
    readings = {
        (name, site): Reading(each, chosen, site) for name, each in named.items() for site in sites
    }
    identity = store_identity(
        lm,
        layers=chosen,
        positions=named,
        sites=sites,
        dtype=dtype,
        backend=how.get("backend", hooks),
    )
    return ShardMaker(Engine(lm, dtype=dtype, **how), readings, identity)


def store_identity(
    lm: LanguageModel,
    *,
    layers: Sequence[int],
    positions: Mapping[str, Position],
    sites: Sequence[str],
    dtype: torch.dtype,
    backend: Backend = hooks,
) -> dict[str, Any]:
    """Everything that determines the rows of a store, except its prompts."""
    return {
        **identity_of(lm),
        "code": code_hash(CODE),
        "backend": getattr(backend, "__name__", str(backend)),
        "positions": {name: position_hash(each) for name, each in positions.items()},
        "sites": list(sites),
        "layers": list(layers),
        "dtype": str(dtype).removeprefix("torch."),
        "d_model": lm.d_model,
    }
