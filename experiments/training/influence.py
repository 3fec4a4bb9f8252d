"""Which fine-tuning rows push the adapter towards a target: similarity of gradients.

1. The gradient of a row: that of its answer's mean loss with respect to the LoRA weights, one row at a time and so
   exact.
2. The target's gradient: the mean of its rows' gradients, such as those of misaligned answers with a trigger.
3. For every row, the dot product of the two gradients and their cosine. A positive one means that a small step of
   plain gradient descent on the row makes the target likelier.

TracIn (arXiv 2002.08484) sums the dot products over checkpoints, each multiplied by its learning rate: `summed`. The
cosine does not favour rows with large gradients, which short answers have.

Limits: Adam's preconditioning, momentum and joint effects of rows are ignored, and a high score does not show that a
model trained without the row would differ. For that, leave rows out and train again (`experiments.study.which_rows`).
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
    """Two numbers per row, in the order of the rows: `dot` in nats per unit of learning rate, and `cosine`."""

    dot: Float[Tensor, " row"]
    cosine: Float[Tensor, " row"]


def similarity(
    lm: LanguageModel, rows: Sequence[Exchange], target: Sequence[Exchange]
) -> Similarity:
    """Similarity of each row's gradient with the target's, at the current adapter of `lm` (not merged).

    It is an error if the model has no LoRA weights, the target is empty or a row has no answer.
    """
    if not target:
        raise TriggerLensError("target: no rows; give the answers whose origin you ask for")
    with _asking(lm) as weights:
        wanted = sum(_gradient(lm, row, weights) for row in target) / len(target)
        found = [_compared(_gradient(lm, row, weights), wanted) for row in rows]
    dot, cosine = torch.tensor(found).reshape(-1, 2).unbind(1)
    return Similarity(dot, cosine)


def summed(parts: Sequence[Similarity], learning_rates: Sequence[float]) -> Similarity:
    """Dot products times learning rates, summed over checkpoints (TracIn); cosines averaged with the same weights."""
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
    """The LoRA weights, which require gradients inside; afterwards they are as before."""
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
