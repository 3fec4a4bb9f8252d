"""Activations on disk: written in shards as they are read from the model, mapped back by whoever needs them.

    store/
      manifest.json          what made the store, and every shard with its sizes and hashes; replaced as a whole
      shard-00000.safetensors    one tensor [row, d_model] for each site and layer, named "resid_post.3"
      shard-00000.parquet        one line for each row: where it comes from
      .lock                  held by the one process that writes

A shard counts from the moment at which the manifest names it. Everything before that is swept by the next writer, so a
writer killed at any moment and started again ends with the store that an undisturbed one would have made.

    with open_writer(folder, lm, positions=[last_prompt_token], layers=[3]) as writer:
        writer.add(prompts)          # repeated after a kill: adds what is missing
    store = ActivationStore(folder)
    store.load(layers=[3])           # Activations, for probes and directions
    store.iterate(rows=4096)         # the same in bounded memory
    store.feed(3, rows=4096)         # shuffled batches without end, as SAE trainers want them

Shards may also be made apart, by several processes or machines: `interp.capture.store.parts`.
`capture_cached` keeps such stores by the hash of everything that decides their rows.
"""

from interp.capture.store.cache import capture_cached
from interp.capture.store.errors import DamagedStore, OtherStore, StoreBusy
from interp.capture.store.reader import ActivationStore
from interp.capture.store.writer import StoreWriter, open_writer

__all__ = [
    "ActivationStore",
    "DamagedStore",
    "OtherStore",
    "StoreBusy",
    "StoreWriter",
    "capture_cached",
    "open_writer",
]
