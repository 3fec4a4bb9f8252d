"""Several short rows in one sequence: their common prefix is read once, and nothing is padded.

Chats share a prefix (a default system prompt, the header of the user's turn), and rows differ in length, so much of
the work on a padded batch is wasted. In a packed batch

1. the common prefix occurs once; then comes the rest of each row, at the positions that it has when it is alone;
2. every token attends to the common prefix and to the earlier tokens of its own row, and to no other row's.

Loss and gradients are those of the padded batch, up to the order of a sum. The cost of attention grows with the square
of the length, so many rows are packed into several sequences, and only if that takes fewer multiplications than
padding.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from experiments.training.supervision import IGNORED
from interp.models.language_model import LanguageModel

Example = Mapping[str, list[int]]
Collate = Callable[[Sequence[Example]], dict[str, Tensor]]
FILLING = {"input_ids": 0, "labels": IGNORED, "position_ids": 0, "rows": -1}
WAYS = (1, 2, 4, 8, 16)  # numbers of sequences into which a batch may be packed
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 2e-2}  # of the loss, relative


def packed(
    examples: Sequence[Example], dtype: torch.dtype, sequences: int = 1
) -> dict[str, Tensor]:
    """All examples in this many sequences [sequence, token], with positions, labels and an additive mask.

    The mask is [sequence, 1, token, token]; no row attends to the padding of a shorter sequence.
    """
    whole = [_sequence(examples[first::sequences]) for first in range(sequences)]
    batch = {
        name: pad_sequence([each[name] for each in whole], batch_first=True, padding_value=value)
        for name, value in FILLING.items()
    }
    reads = attends(batch.pop("rows"))[:, None]
    blocked = torch.zeros(reads.shape, dtype=dtype).masked_fill_(~reads, torch.finfo(dtype).min)
    return batch | {"attention_mask": blocked}


def attends(rows: Int[Tensor, "*sequence token"]) -> Bool[Tensor, "*sequence token token"]:
    """Which tokens a token may attend to, by the row of each; row 0 is the common prefix."""
    earlier = torch.ones(rows.shape[-1], rows.shape[-1], dtype=torch.bool).tril()
    return earlier & ((rows == 0)[..., None, :] | (rows[..., :, None] == rows[..., None, :]))


def common_beginning(examples: Sequence[Example]) -> int:
    """The length of the common prefix, which ends two tokens before the first answer: every row predicts its own."""
    columns = zip(*(each["input_ids"] for each in examples), strict=False)
    alike = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    return max(0, min(alike, *(_first_label(each) - 1 for each in examples)))


def packs(lm: LanguageModel, examples: Sequence[Example], padded: Collate) -> bool:
    """Whether the model gives a packed batch the loss of a padded one: a text model whose attention takes a mask.

    The first examples are computed in both ways; a model for which packing is wrong, such as one with a recurrent
    state, is recognised by its loss. Rows longer than a sliding window are not packed.
    """
    config = lm.config
    window = getattr(config, "sliding_window", None) or float("inf")
    if hasattr(lm.causal.config, "vision_config") or len(examples) < 2:
        return False
    if config._attn_implementation not in ("sdpa", "eager"):
        return False
    if max(len(each["input_ids"]) for each in examples) > window:
        return False
    some = examples[:4]
    apart, together = (_loss(lm, batch) for batch in (padded(some), packed(some, lm.causal.dtype)))
    return abs(together - apart) <= TOLERANCE.get(lm.causal.dtype, 2e-2) * abs(apart)


def packed_where_cheaper(lm: LanguageModel, padded: Collate) -> Collate:
    """A collator that packs a batch into sequences or pads it, whichever takes the fewest multiplications."""
    layer = sum(each.numel() for each in lm.decoder.layers[0].parameters())

    def cost(sequences: int, tokens: int) -> int:
        return sequences * tokens * (layer + 2 * tokens * lm.d_model)

    def collated(examples: Sequence[Example]) -> dict[str, Tensor]:
        apart = cost(len(examples), max(len(each["input_ids"]) for each in examples))
        ways = [n for n in WAYS if 2 * n <= len(examples)]
        costs = {n: cost(n, max(_length(examples[first::n]) for first in range(n))) for n in ways}
        best = min(costs, key=costs.__getitem__, default=0)
        if not best or costs[best] >= apart:
            return padded(examples)
        return packed(examples, lm.causal.dtype, best)

    return collated


def _length(examples: Sequence[Example]) -> int:
    """The length in tokens of the sequence that they make."""
    repeated = (len(examples) - 1) * common_beginning(examples)
    return sum(len(each["input_ids"]) for each in examples) - repeated


def _sequence(examples: Sequence[Example]) -> dict[str, Int[Tensor, " token"]]:
    """The examples one after the other; `rows` numbers them from 1, and the common prefix is 0."""
    shared = common_beginning(examples)
    parts = [(examples[0], 0, shared), *((each, shared, None) for each in examples)]
    joined: dict[str, list[int]] = {name: [] for name in FILLING}
    for row, (example, start, stop) in enumerate(parts):
        places = range(len(example["input_ids"]))[start:stop]
        joined["input_ids"] += example["input_ids"][start:stop]
        joined["labels"] += example["labels"][start:stop]
        joined["position_ids"] += places
        joined["rows"] += [row] * len(places)
    return {name: torch.tensor(values) for name, values in joined.items()}


def _first_label(example: Example) -> int:
    return next(place for place, label in enumerate(example["labels"]) if label != IGNORED)


@torch.no_grad()
def _loss(lm: LanguageModel, batch: Mapping[str, Any]) -> float:
    return float(lm.causal(**{name: value.to(lm.device) for name, value in batch.items()}).loss)
