"""Rows of a batch that hold the same prompt, and how far one of them can be read for all.

A dose-response curve, or a set of candidate directions, asks the same prompts many times with different edits. Before
the first token that an edit acts on, the copies have the same keys and values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from interp.capture.batches import Batch, pad_right
from interp.interventions import Intervention
from interp.interventions.where import tokens_at


@dataclass(frozen=True)
class Copies:
    """Read rows `firsts` over the first `shared` tokens; row i goes on from what was read of `firsts[of[i]]`."""

    firsts: Int[Tensor, " distinct"]
    of: Int[Tensor, " row"]
    shared: int


def copies(batch: Batch, interventions: Sequence[Intervention]) -> Copies | None:
    """What the rows of a batch have in common; None where reading them apart costs the same."""
    prompts = [batch.prompts[row].token_ids for row in batch.prompt.tolist()]
    number: dict[tuple[int, ...], int] = {}
    of = [number.setdefault(prompt, len(number)) for prompt in prompts]
    if len(number) == len(prompts):
        return None
    shared = min(min(len(prompt) - 1 for prompt in prompts), _untouched(batch, interventions))
    if not shared:
        return None
    firsts = [of.index(each) for each in range(len(number))]
    device = batch.prompt.device
    return Copies(torch.tensor(firsts, device=device), torch.tensor(of, device=device), shared)


def _untouched(batch: Batch, interventions: Sequence[Intervention]) -> int:
    """How many tokens at the beginning of every row no intervention acts on."""
    ids = [batch.prompts[row].token_ids for row in batch.prompt.tolist()]
    _, positions = pad_right(ids, 0, batch.prompt.device)
    whole = Batch(batch.prompt, positions, batch.prompts)
    acted = torch.zeros_like(positions[0], dtype=torch.bool)
    for intervention in interventions:
        acted |= tokens_at(intervention.positions, whole).any(0)
    return int(acted.int().argmax()) if bool(acted.any()) else positions.shape[1]
