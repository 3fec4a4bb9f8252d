"""Decode many samples of a prompt over one copy of its keys and values.

Method:
1. The prompt is read once; its keys and values are the first columns of the cache.
2. At each step, one new token of every sample is placed side by side on the token axis. Each key has an owner (the
   prompt or one sample) and an absolute position, and a query attends to the prompt and its own sample, up to itself.
3. So nothing is copied per sample, and per-prompt vectors steer all samples of a row at once. Samples that have ended
   are removed from the token axis; rows whose samples have all ended are removed from the batch.

The idea is that of shared-prefix attention (Juravsky et al. 2024, "Hydragen"), here with an ordinary attention mask.
The cost is attention over the other samples' keys, so long answers use fewer samples per row.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

PROMPT, NOBODY = -1, -2


class KeyIndex:
    """Owner and absolute position of every key in the cache, and the attention masks derived from them."""

    def __init__(self, positions: Int[Tensor, "row key"]):
        """Keys of padded prompts; a negative position is padding and belongs to nobody."""
        self.position = positions
        self.owner = torch.where(positions >= 0, PROMPT, NOBODY)

    def extend(self, owner: Int[Tensor, "row query"], position: Int[Tensor, "row query"]) -> None:
        """New keys, in the order in which they are about to enter the cache."""
        self.owner = torch.cat([self.owner, owner], 1)
        self.position = torch.cat([self.position, position], 1)

    def repeat(self, times: int) -> None:
        """Repeat each row `times` times."""
        self.owner = self.owner.repeat_interleave(times, 0)
        self.position = self.position.repeat_interleave(times, 0)

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Keep these rows."""
        self.owner, self.position = self.owner[rows], self.position[rows]

    def mask(
        self,
        owner: Int[Tensor, "row query"],
        position: Int[Tensor, "row query"],
        window: int | None,
        dtype: torch.dtype,
    ) -> Float[Tensor, "row 1 query key"]:
        """0 where a query may attend, the lowest number elsewhere; works with eager and fused attention."""
        distance = position[:, :, None] - self.position[:, None, :]
        visible = (self.owner == PROMPT)[:, None, :] | (self.owner[:, None, :] == owner[:, :, None])
        visible &= distance >= 0
        if window is not None:
            visible &= distance < window
        hidden = torch.full(
            visible.shape, torch.finfo(dtype).min, dtype=dtype, device=visible.device
        )
        return hidden.masked_fill_(visible, 0)[:, None]


def masks(
    lm: LanguageModel,
    keys: KeyIndex,
    owner: Int[Tensor, "row query"],
    position: Int[Tensor, "row query"],
) -> Any:
    """One mask, or one per layer type if the architecture mixes full and sliding attention."""
    config = lm.config
    dtype = next(lm.causal.parameters()).dtype
    window = getattr(config, "sliding_window", None)
    default = "full_attention" if window is None else "sliding_attention"
    types = set(getattr(config, "layer_types", None) or [default])
    if unknown := types - {"full_attention", "sliding_attention"}:
        raise TriggerLensError(f"{lm.name}: cannot sample through layers of type {sorted(unknown)}")
    built = {
        kind: keys.mask(owner, position, window if kind == "sliding_attention" else None, dtype)
        for kind in types
    }
    return built if len(types) > 1 else built.popitem()[1]
