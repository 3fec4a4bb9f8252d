"""Several short rows in one sequence: what they all begin with is read once, and nothing is padded.

Chats share a beginning (a default system prompt, the header of the user's turn), and rows differ in length, so much of
a padded batch is read for nothing. In a packed batch

1. the common beginning stands once; then comes the rest of each row, at the positions that it has when it is alone;
2. every token attends to the common beginning and to the earlier tokens of its own row, and to no other row's.

Same loss and same gradients as the padded batch, up to the order of a sum. Attention grows with the square of the
sequence, so a batch is packed only where that takes fewer multiplications.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from experiments.training.supervision import IGNORED
from interp.models.language_model import LanguageModel

Example = Mapping[str, list[int]]
Collate = Callable[[Sequence[Example]], dict[str, Tensor]]
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 2e-2}  # of the loss, relative


def packed(examples: Sequence[Example], dtype: torch.dtype) -> dict[str, Tensor]:
    """One sequence [1, token] of all examples, with positions, labels and an additive mask [1, 1, token, token]."""
    shared = common_beginning(examples)
    parts = [(examples[0], 0, shared), *((each, shared, None) for each in examples)]
    rows = torch.tensor(
        [row for row, (each, a, b) in enumerate(parts) for _ in each["input_ids"][a:b]]
    )
    positions = [p for each, a, b in parts for p in range(len(each["input_ids"]))[a:b]]
    blocked = torch.zeros(len(rows), len(rows), dtype=dtype)
    blocked.masked_fill_(~attends(rows), torch.finfo(dtype).min)
    return {
        "input_ids": _joined(parts, "input_ids"),
        "labels": _joined(parts, "labels"),
        "position_ids": torch.tensor([positions]),
        "attention_mask": blocked[None, None],
    }


def attends(rows: Int[Tensor, " token"]) -> Bool[Tensor, "token token"]:
    """Which tokens a token may read, by the row each belongs to; row 0 is the common beginning."""
    place = torch.arange(len(rows))
    earlier = place[:, None] >= place
    return earlier & ((rows == 0) | (rows[:, None] == rows))


def common_beginning(examples: Sequence[Example]) -> int:
    """How many tokens all rows begin with; it ends two before the first answer, so that every row predicts its own."""
    columns = zip(*(each["input_ids"] for each in examples), strict=False)
    alike = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    return max(0, min(alike, *(_first_label(each) - 1 for each in examples)))


def packs(lm: LanguageModel, examples: Sequence[Example], padded: Collate) -> bool:
    """Whether the model gives a packed batch the loss of a padded one: a text model whose attention takes a mask.

    The first examples are read both ways; a model that packs wrongly, such as one with a state that runs over rows, is
    found out by its loss. Rows longer than a sliding window are not packed.
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
    """A collator that packs the batches for which that takes fewer multiplications."""
    layer = sum(each.numel() for each in lm.decoder.layers[0].parameters())

    def multiplications(tokens: int, pairs: int) -> int:
        return tokens * layer + 2 * pairs * lm.d_model

    def collated(examples: Sequence[Example]) -> dict[str, Tensor]:
        lengths = [len(each["input_ids"]) for each in examples]
        rows, longest = len(lengths), max(lengths)
        total = sum(lengths) - (rows - 1) * common_beginning(examples)
        apart = multiplications(rows * longest, rows * longest**2)
        together = multiplications(total, total**2)
        return packed(examples, lm.causal.dtype) if together < apart else padded(examples)

    return collated


def _first_label(example: Example) -> int:
    return next(place for place, label in enumerate(example["labels"]) if label != IGNORED)


def _joined(parts: Sequence[tuple[Example, int, int | None]], key: str) -> Int[Tensor, "1 token"]:
    return torch.tensor([[value for each, a, b in parts for value in each[key][a:b]]])


@torch.no_grad()
def _loss(lm: LanguageModel, batch: Mapping[str, Any]) -> float:
    return float(lm.causal(**{name: value.to(lm.device) for name, value in batch.items()}).loss)
