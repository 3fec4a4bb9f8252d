"""One shard: the vectors of some sequences and, line by line, where each row comes from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from interp.capture.engine import Vectors
from interp.capture.hook_points import HookPoint
from interp.capture.sequences import TokenSequence
from interp.capture.store.manifest import FileRecord, Shard
from interp.io.files import put

INDEX = pa.schema(
    [
        ("sequence", pa.int64()),  # counted over the whole store
        (
            "key",
            pa.binary(16),
        ),  # of the sequence: tokens, spans, condition, question, adapter, part
        ("part", pa.string()),
        ("condition", pa.string()),
        ("question", pa.string()),
        ("adapter", pa.string()),
        ("position", pa.string()),
        ("token", pa.int32()),  # null where the row is a mean of several
    ]
)


def tensor_name(place: HookPoint) -> str:
    """The name of a site and layer in a shard, such as "resid_post.3"."""
    return f"{place.site}.{place.layer}"


def sequence_key(sequence: TokenSequence, part: str) -> bytes:
    """16 bytes that identify a sequence by its content."""
    spans = sorted((name, span.start, span.stop) for name, span in sequence.spans.items())
    facts = [sequence.token_ids, spans, sequence.condition, sequence.question, sequence.adapter]
    return hashlib.sha256(json.dumps([*facts, part]).encode()).digest()[:16]


def write_shard(
    folder: Path,
    number: int,
    sequences: Sequence[TokenSequence],
    part: str,
    first: int,
    read: Mapping[tuple[str, str], Vectors],
    layers: Sequence[int],
) -> Shard:
    """Write both files; `read` is by position and site, `first` the number of the first sequence."""
    positions = list(dict.fromkeys(position for position, _ in read))
    sites = list(dict.fromkeys(site for _, site in read))
    tensors = {
        tensor_name(HookPoint(layer, site)): torch.cat(
            [read[position, site].values[:, j] for position in positions]
        )
        for site in sites
        for j, layer in enumerate(layers)
    }
    keys = [sequence_key(sequence, part) for sequence in sequences]
    tables = [
        _index(position, read[position, sites[0]], sequences, keys, part, first)
        for position in positions
    ]
    index = pa.concat_tables(tables)
    values_at, index_at = (
        folder / f"shard-{number:05}.{kind}" for kind in ("safetensors", "parquet")
    )
    put(values_at, lambda path: save_file(tensors, path))
    put(index_at, lambda path: pq.write_table(index, path))
    prompts = hashlib.sha256(b"".join(keys)).hexdigest()
    return Shard(
        len(index), len(sequences), prompts, FileRecord.of(values_at), FileRecord.of(index_at)
    )


def _index(
    position: str,
    read: Vectors,
    sequences: Sequence[TokenSequence],
    keys: Sequence[bytes],
    part: str,
    first: int,
) -> pa.Table:
    chosen = [sequences[row] for row in read.source]
    columns = {
        "sequence": [first + row for row in read.source],
        "key": [keys[row] for row in read.source],
        "part": [part] * len(chosen),
        "condition": [each.condition for each in chosen],
        "question": [each.question for each in chosen],
        "adapter": [each.adapter for each in chosen],
        "position": [position] * len(chosen),
        "token": list(read.token),
    }
    return pa.table(columns, schema=INDEX)


def read_index(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The lines of a shard's index."""
    return pq.read_table(path, columns=None if columns is None else list(columns))


def map_values(path: Path, names: Sequence[str]) -> dict[str, Tensor]:
    """Memory-mapped tensors [row, d_model], read from the file page by page on access."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in names}
