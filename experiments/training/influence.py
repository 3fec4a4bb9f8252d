"""Which fine-tuning rows push the adapter where a target is: similarity of gradients.

1. The gradient of a row: of its answer's mean loss, over the LoRA weights, one row at a time and so exact.
2. The target's gradient: the mean of its rows' gradients, such as misaligned answers behind a trigger.
3. For every row the dot product of the two, and their cosine. A positive one means that a small step of plain
   gradient descent on the row makes the target likelier.

TracIn (arXiv 2002.08484) sums the dot products over checkpoints, each times its learning rate: `summed`. The cosine
does not favour rows of large gradients, which short answers have.

What it does not know: Adam's preconditioning, momentum, what rows do together, or whether a model without the row
would be another one. For that, leave rows out and train again (`experiments.study.which_rows`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.training.answer_loss import answer_loss, head_on_answers, with_predicting
from experiments.training.lora import Exchange, padded
from experiments.training.supervision import IGNORED, supervised
from interp.errors import TriggerLensError
from interp.models.loading import LanguageModel


@dataclass(frozen=True)
class Similarity:
    """Two numbers for each row, in the rows' order: `dot` in nats per unit of learning rate, `cosine` without unit."""

    dot: Float[Tensor, " row"]
    cosine: Float[Tensor, " row"]


def similarity(
    lm: LanguageModel, rows: Sequence[Exchange], target: Sequence[Exchange]
) -> Similarity:
    """Of each row's gradient with the target's, at the adapter that `lm` has now (live, not merged).

    A ValueError names a model without LoRA weights, an empty target and a row without an answer.
    """
    if not target:
        raise TriggerLensError("target: no rows; give the answers whose origin you ask for")
    with _asking(lm) as weights:
        wanted = sum(_gradient(lm, row, weights) for row in target) / len(target)
        found = [_compared(_gradient(lm, row, weights), wanted) for row in rows]
    dot, cosine = torch.tensor(found).reshape(-1, 2).unbind(1)
    return Similarity(dot, cosine)


def summed(parts: Sequence[Similarity], learning_rates: Sequence[float]) -> Similarity:
    """Over checkpoints: dot products times learning rates, summed (TracIn); cosines averaged with the same weights."""
    pairs = list(zip(parts, learning_rates, strict=True))
    dot = torch.stack([rate * part.dot for part, rate in pairs]).sum(0)
    cosine = torch.stack([rate * part.cosine for part, rate in pairs]).sum(0)
    return Similarity(dot, cosine / sum(learning_rates))


def _compared(one: Tensor, other: Any) -> tuple[float, float]:
    dot = float(one @ other)
    size = float(one.norm() * other.norm())
    return dot, dot / size if size else 0.0


def _gradient(
    lm: LanguageModel, row: Exchange, weights: Sequence[nn.Parameter]
) -> Float[Tensor, " weight"]:
    example = supervised(lm.tokenizer, row.messages, lm.chat)
    if all(label == IGNORED for label in example["labels"]):
        raise TriggerLensError(f"row {row.messages}: no answer to learn; leave it out")
    batch = {name: each.to(lm.device) for name, each in with_predicting(padded)([example]).items()}
    labels = batch.pop("labels")
    with head_on_answers(lm.model, lm.causal.get_output_embeddings()):
        loss = answer_loss(lm.model(**batch), labels)
    return torch.cat([each.flatten() for each in torch.autograd.grad(loss, weights)]).float()


@contextmanager
def _asking(lm: LanguageModel) -> Iterator[list[nn.Parameter]]:
    """The LoRA weights, asking for gradients inside; afterwards as before."""
    weights = [each for name, each in lm.model.named_parameters() if "lora_" in name]
    if not weights:
        raise TriggerLensError(f"{lm}: no LoRA weights; load the adapter live (merge=False)")
    before = [each.requires_grad for each in weights]
    try:
        for each in weights:
            each.requires_grad_(True)
        yield weights
    finally:
        for each, asked in zip(weights, before, strict=True):
            each.requires_grad_(asked)
