"""Backends run a batch and pass on the activations at given places: their signature, and the default backend.

A backend is made once for a model and then run batch by batch. `interp.capture.nnsight_backend` and
`interp.capture.transformer_lens_backend` contain two more, which give the same results.
"""

from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from typing import Any

from jaxtyping import Int
from torch import Tensor, nn

from interp.capture.hook_points import HookPoint, first_tensor, module_at
from interp.models.language_model import LanguageModel

Read = Callable[[HookPoint, Tensor], None]  # gets a place's activations [row, token, d_model]
Forward = Callable[[Int[Tensor, "row token"], Collection[HookPoint], Read], None]
Backend = Callable[[LanguageModel], Forward]


class Enough(Exception):
    """All places have been read; the rest of the forward pass is not needed."""


def until_enough(places: Collection[HookPoint], read: Read) -> Read:
    """Wrap `read` so that it ends the forward pass with `Enough` once every place has been read."""
    waiting = set(places)

    def read_one(place: HookPoint, hidden: Tensor) -> None:
        read(place, hidden)
        waiting.discard(place)
        if not waiting:
            raise Enough

    return read_one


def hooks(lm: LanguageModel) -> Forward:
    """PyTorch forward hooks on the model itself; stops after the last place and never runs the head."""

    def forward(ids: Int[Tensor, "row token"], places: Collection[HookPoint], read: Read) -> None:
        read = until_enough(places, read)
        with ExitStack() as stack:
            for place in places:
                handle = module_at(lm, place).register_forward_hook(_hook(place, read))
                stack.callback(handle.remove)
            with suppress(Enough):
                lm.decoder(input_ids=ids, use_cache=False)

    return forward


def _hook(place: HookPoint, read: Read) -> Callable[[nn.Module, Any, Any], None]:
    return lambda _module, _inputs, output: read(place, first_tensor(output))
