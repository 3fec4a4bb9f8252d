"""Peak memory above the loaded model; each function runs in a separate process (Linux only: the peak is from /proc).

The allocator is set to release large blocks at once, so that the peak counts live memory, not memory that it keeps.
"""

import ctypes
import gc
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from experiments.benchmarks.random_model import random_model, random_prompts
from interp.capture.api import capture
from interp.capture.sequences import TokenSequence, of_prompts
from interp.capture.store import open_writer

M_MMAP_THRESHOLD = -3  # constant of malloc.h
STORED_TOKENS, STORED_LAYERS, SHARD_BYTES = 4, range(2), 4 * 2**20  # a shard is 1,024 rows


def above(work: Callable[[], object]) -> float:
    """The largest number of bytes by which the process grew during `work`."""
    gc.collect()
    libc = ctypes.CDLL("libc.so.6")
    libc.mallopt(M_MMAP_THRESHOLD, 2**20)
    libc.malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def capture_peak(count: int) -> float:
    """Ours."""
    torch.set_num_threads(1)
    lm, prompts = random_model(), random_prompts(count, 8, 128)
    capture(lm, random_prompts(1, 8, 8))  # late imports do not count
    return above(lambda: capture(lm, prompts))


def hidden_states_peak(count: int) -> float:
    """`output_hidden_states=True` on the same batches."""
    from experiments.benchmarks.capture import batches, hidden_states

    torch.set_num_threads(1)
    lm, made = random_model(), batches(random_prompts(count, 8, 128))
    hidden_states(lm, batches(random_prompts(1, 8, 8)))
    return above(lambda: hidden_states(lm, made))


def store_peak(count: int) -> float:
    """`count` short prompts captured to disk, made one by one on demand."""
    torch.set_num_threads(1)
    lm = random_model()

    def sequences(first: int, last: int) -> Iterator[TokenSequence]:
        for seed in range(first, last):
            yield from of_prompts(random_prompts(1, STORED_TOKENS, STORED_TOKENS, seed))

    with (
        tempfile.TemporaryDirectory() as folder,
        open_writer(folder, lm, layers=STORED_LAYERS, shard_bytes=SHARD_BYTES) as writer,
    ):
        writer.add(sequences(0, 8))
        return above(lambda: writer.add(sequences(8, count)))


PEAKS = {"capture": capture_peak, "hidden_states": hidden_states_peak, "store": store_peak}
