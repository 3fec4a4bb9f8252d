"""Tokens of the vocabulary with a score each, and how they are written in a line or a label."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.models.language_model import LanguageModel


@dataclass(frozen=True)
class TokenScore:
    """One token of the vocabulary and its score."""

    id: int
    text: str
    score: float

    def __str__(self) -> str:
        return f"{self.text!r} {self.score:+.2f}"


def largest(
    lm: LanguageModel, scores: Float[Tensor, " vocabulary"], k: int
) -> tuple[TokenScore, ...]:
    """The `k` tokens with the largest scores, the largest first."""
    top = scores.topk(min(k, len(scores)))
    return tuple(
        TokenScore(token, token_text(lm, token), score)
        for token, score in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    )


def token_text(lm: LanguageModel, token: int) -> str:
    """A token as text, with its leading space."""
    return str(lm.tokenizer.decode([token]))


@torch.no_grad()
def vocabulary_logits(
    lm: LanguageModel, stream: Float[Tensor, "*row d_model"]
) -> Float[Tensor, "*row vocabulary"]:
    """`LanguageModel.logits_of` in the dtype of the weights, back as float32 on the CPU."""
    weight = next(lm.model.parameters())
    dtype = weight.dtype if weight.is_floating_point() and weight.itemsize > 1 else torch.float32
    return lm.logits_of(stream.to(lm.device, dtype)).float().cpu()
