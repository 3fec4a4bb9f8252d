"""Find the beginnings that rows of a batch share, so that each is read once.

Questions of one chat format share its system prompt, questions of one framing share that framing, and a dose-response
curve asks the same prompts many times. Method:

1. A row is described by what determines its keys and values: for each token, its id and how every intervention acts.
2. Two rows are the same up to the first difference. After sorting, only neighbours need to be compared.
3. The tokens are read in stages: few rows first, more rows later. Stages are chosen to read as few tokens as possible,
   where one more forward pass counts as `PASS` tokens.

The tree is that of prefix caching (Zheng et al. 2024, "SGLang", RadixAttention), for a batch that is known in advance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from interp.capture.batches import Batch, pad_right
from interp.interventions import Intervention
from interp.interventions.where import tokens_at

# The overhead of one more pass, in tokens of a small model; estimated, not measured.
PASS = 64


@dataclass(frozen=True)
class Stage:
    """Rows `firsts` are read up to token `stop`; row i continues from what was read for `firsts[of[i]]`."""

    stop: int
    firsts: Int[Tensor, " distinct"]
    of: Int[Tensor, " row"]


def stages(batch: Batch, interventions: Sequence[Intervention]) -> list[Stage]:
    """How to read all tokens of a batch but each row's last; empty if no row has more than one."""
    rows = _written(batch, interventions)
    width = rows.shape[1]
    order = sorted(range(len(rows)), key=lambda row: rows[row].tobytes())
    same = _same(rows[order])
    return [_stage(stop, order, same, batch.prompt.device) for stop in _stops(same, width)]


def _written(
    batch: Batch, interventions: Sequence[Intervention]
) -> Shaped[np.ndarray, "row token thing"]:
    """What determines a row's keys and values, token by token."""
    ids = [batch.prompts[row].token_ids[:-1] for row in batch.prompt.tolist()]
    tokens, positions = pad_right(ids, 0, batch.prompt.device)
    whole = Batch(batch.prompt, positions, batch.prompts)
    things = [torch.where(positions >= 0, tokens, -1)]
    for intervention in interventions:
        acts = tokens_at(intervention.positions, whole)
        things.append(acts * _kind(intervention, batch)[:, None])
    return torch.stack(things, -1).cpu().numpy()


def _kind(intervention: Intervention, batch: Batch) -> Int[Tensor, " row"]:
    """A number from 1 for each row; rows with the same number are edited alike where their streams are equal."""
    deciding = intervention.decided_by()
    if deciding is None:
        return torch.arange(1, len(batch.prompt) + 1, device=batch.prompt.device)
    kinds = torch.ones_like(batch.prompt)
    for held in deciding:
        values = held.detach()[batch.prompt.to(held.device)].reshape(len(batch.prompt), -1)
        own = values.unique(dim=0, return_inverse=True)[1].to(kinds.device)
        kinds = kinds * len(kinds) + own
        kinds = kinds.unique(return_inverse=True)[1] + 1
    return kinds


def _same(rows: Shaped[np.ndarray, "row token thing"]) -> Int[np.ndarray, " row"]:
    """How many tokens each row has in common with the row before it; the first row has none."""
    if not rows.shape[1]:
        return np.zeros(len(rows), dtype=int)
    differ = (rows[1:] != rows[:-1]).any(-1)
    common = np.where(differ.any(1), differ.argmax(1), rows.shape[1])
    return np.concatenate([[0], common]).astype(int)


def _stops(same: Int[np.ndarray, " row"], width: int) -> list[int]:
    """Where stages end, the last at `width`, so that the total cost of tokens and passes is smallest."""
    if not width:
        return []
    ends = sorted({*same[1:].tolist(), width} - {0})
    best: dict[int, tuple[int, list[int]]] = {0: (0, [])}
    for end in ends:
        rows = 1 + int((same[1:] < end).sum())
        ways = ((cost + rows * (end - at) + PASS, stops) for at, (cost, stops) in best.items())
        cost, stops = min(ways, key=lambda way: way[0])
        best[end] = (cost, [*stops, end])
    return best[width][1]


def _stage(
    stop: int, order: list[int], same: Int[np.ndarray, " row"], device: torch.device
) -> Stage:
    new = same < stop
    new[0] = True
    group = np.empty(len(order), dtype=int)
    group[order] = new.cumsum()
    firsts = np.sort(np.unique(group, return_index=True)[1])
    of = np.argsort(group[firsts])[group - 1]
    return Stage(stop, torch.tensor(firsts, device=device), torch.tensor(of, device=device))
