"""A cache with room for the tokens to come, so that a new token does not copy all that came before.

`DynamicCache` of transformers concatenates: each step of each layer copies every key and value. Here they stand at the
front of larger tensors and new ones are written behind them. What attention reads is the same.
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
    """Keys and values of one layer; `room` tokens are kept free whenever they are moved."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self._spaces: dict[str, Tensor] = {}

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[States, States]:
        """Write new tokens behind the others; views of all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.keys = self._behind("keys", key_states)
        self.values = self._behind("values", value_states)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Only these rows, in this order; a row may come several times."""
        if self.get_seq_length():
            self.keys = self._move("keys", self.keys[indices], self.room)
            self.values = self._move("values", self.values[indices], self.room)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each row `repeats` times."""
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
        """To the front of a space with so much room."""
        rows, heads, length, width = states.shape
        space = states.new_empty(rows, heads, length + room, width)
        space[:, :, :length] = states
        self._spaces[name] = space
        return space[:, :, :length]


def growing_cache(room: int) -> DynamicCache:
    """An empty cache; each layer keeps room for so many tokens."""
    cache = DynamicCache()
    cache.layer_class_to_replicate = partial(GrowingLayer, room)
    return cache
