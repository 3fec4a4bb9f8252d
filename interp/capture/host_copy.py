"""Copy what was read to the host; from a GPU on a separate CUDA stream, while the next batch is computed."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import torch
from torch import Tensor

Key = TypeVar("Key")


class Landed(dict[str, Tensor]):
    """Host tensors by name; copies from a GPU are complete only after `wait`."""

    event: torch.cuda.Event | None = None

    def wait(self) -> None:
        """Block until the copies are complete."""
        if self.event is not None:
            self.event.synchronize()


def land(vectors: Mapping[str, Tensor], dtype: torch.dtype) -> Landed:
    """Start copying to the host in this dtype; copies from a GPU may still be running on return."""
    vectors = {name: each.to(dtype) for name, each in vectors.items()}
    if not any(each.is_cuda for each in vectors.values()):
        return Landed({name: each.cpu() for name, each in vectors.items()})
    landed, copies = Landed(), torch.cuda.Stream()
    copies.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(copies):
        for name, each in vectors.items():
            landed[name] = torch.empty(each.shape, dtype=dtype, pin_memory=True)
            landed[name].copy_(each, non_blocking=True)
            each.record_stream(copies)
        landed.event = copies.record_event()
    return landed


def one_behind(batches: Iterator[tuple[Key, Landed]]) -> Iterator[tuple[Key, Landed]]:
    """The same batches, each yielded only after the next one has been started."""
    waiting: tuple[Key, Landed] | None = None
    for batch in batches:
        if waiting is not None:
            waiting[1].wait()
            yield waiting
        waiting = batch
    if waiting is not None:
        waiting[1].wait()
        yield waiting
