"""Activations on disk: written in shards as they are captured, and memory-mapped when they are read.

    store/
      manifest.json          what made the store, and every shard with its sizes and hashes; replaced atomically
      shard-00000.safetensors    one tensor [row, d_model] for each site and layer, named "resid_post.3"
      shard-00000.parquet        one line for each row: where it comes from
      .lock                  held by the one process that writes

A shard belongs to the store once the manifest names it. The next writer deletes shard files that are not named there.
So a writer that is killed at any moment and started again ends with the same store as one that was never interrupted.

    with open_writer(folder, lm, positions=[last_prompt_token], layers=[3]) as writer:
        writer.add(prompts)          # run again after a kill: adds what is missing
    store = ActivationStore(folder)
    store.load(layers=[3])           # Activations, for probes and directions
    store.iterate(rows=4096)         # the same in bounded memory
    store.feed(3, rows=4096)         # endless shuffled batches, for training an SAE

Shards may also be made separately, by several processes or machines: `interp.capture.store.parts`.
`capture_cached` keeps such stores under a hash of everything that determines their rows.
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
