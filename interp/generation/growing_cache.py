"""A key-value cache with spare room, so that appending a token does not copy all earlier ones.

`DynamicCache` of transformers concatenates: each step of each layer copies every key and value. Here they occupy the
front of larger tensors, and new ones are written after them. Attention reads the same values.
"""

from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

States = Float[Tensor, "row head _ width"]


class GrowingLayer(DynamicLayer):
    """Keys and values of one layer; whenever they are moved, room for `room` more tokens is reserved."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self._spaces: dict[str, Tensor] = {}

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[States, States]:
        """Append new tokens; returns views of the keys and values of all tokens."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.keys = self._behind("keys", key_states)
        self.values = self._behind("values", value_states)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep only these rows, in this order; a row may occur several times."""
        if self.get_seq_length():
            self.keys = self._move("keys", self.keys[indices], self.room)
            self.values = self._move("values", self.values[indices], self.room)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat each row `repeats` times."""
        if repeats > 1 and self.get_seq_length():
            rows = torch.arange(len(self.keys), device=self.keys.device)
            self.batch_select_indices(rows.repeat_interleave(repeats))

    def _behind(self, name: str, states: States) -> States:
        held, more = getattr(self, name), states.shape[-2]
        length = held.shape[-2] if held.numel() else 0
        space = self._spaces.get(name)
        if space is None or space.shape[-2] < length + more:
            before = held if length else states[:, :, :0]
            self._move(name, before, more + self.room)
            space = self._spaces[name]
        space[:, :, length : length + more] = states
        return space[:, :, : length + more]

    def _move(self, name: str, states: States, room: int) -> States:
        """Copy to the front of a tensor with room for `room` more tokens."""
        rows, heads, length, width = states.shape
        space = states.new_empty(rows, heads, length + room, width)
        space[:, :, :length] = states
        self._spaces[name] = space
        return space[:, :, :length]


def growing_cache(room: int) -> DynamicCache:
    """An empty cache; each layer reserves room for `room` tokens."""
    cache = DynamicCache()
    cache.layer_class_to_replicate = partial(GrowingLayer, room)
    return cache
