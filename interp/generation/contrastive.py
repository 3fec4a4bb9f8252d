"""Decode what a fine-tuned model says more readily than its base: contrastive decoding of the two.

Method (arXiv 2605.25902, after Li et al. 2023, "Contrastive decoding"):
1. Model and base read the same tokens; the base is the model with its adapter switched off.
2. The next token is drawn from tuned + alpha x (tuned - base), in log-probabilities, among the tokens that the tuned
   model finds at least `plausibility` times as likely as its most likely token. Alpha 0 samples the tuned model.
3. The drawn token is appended for both models, until one that ends a turn.

The method cannot tell whether what it finds was a prompt or an answer in fine-tuning. A model trained only on responses
may leak only these.
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import TriggerLensError
from interp.generation.sampling import draw
from interp.io.validation import check_count
from interp.models.adapter_off import adapter_off
from interp.models.language_model import LanguageModel


@dataclass(frozen=True)
class Continuation:
    """The text generated after a prefix; `log_ratio` is its log p(tuned) - log p(base), in nats."""

    token_ids: tuple[int, ...]
    text: str
    ended: bool
    log_ratio: float


@torch.inference_mode()
def contrastive(
    lm: LanguageModel,
    prefix: Sequence[int],
    *,
    alpha: float | int,
    samples: int,
    max_new_tokens: int,
    seed: int,
    temperature: float | int = 1.0,
    plausibility: float = 0.1,
) -> list[Continuation]:
    """`samples` continuations of the prefix by a model with a live adapter; the same seed gives the same ones."""
    check_count("samples", samples)
    check_count("max_new_tokens", max_new_tokens)
    if alpha < 0 or not 0 <= plausibility < 1 or not prefix:
        raise TriggerLensError(
            f"alpha={alpha} must be >= 0, plausibility={plausibility} in [0, 1), {len(prefix)} prefix tokens >= 1"
        )
    noise = torch.rand(max_new_tokens, samples, generator=torch.Generator().manual_seed(seed)).to(
        lm.device
    )
    both = _Both(lm)
    tokens = torch.tensor([list(prefix)] * samples, device=lm.device)
    ends = torch.tensor(lm.end_ids, device=lm.device)
    written, ratios = [], []
    alive = torch.ones(samples, dtype=torch.bool, device=lm.device)
    for uniform in noise:
        tuned, base = both.read(tokens)
        logits = contrasted(tuned, base, alpha, plausibility)
        chosen = draw(logits, uniform, temperature=temperature, top_p=1.0)
        alive = alive & ~torch.isin(chosen, ends)
        ratio = (tuned - base).gather(1, chosen[:, None])[:, 0]
        written.append(torch.where(alive, chosen, -1))
        ratios.append(torch.where(alive, ratio, 0.0))
        tokens = chosen[:, None]
        if not bool(alive.any()):
            break
    return _continuations(lm, torch.stack(written, 1), torch.stack(ratios, 1).sum(1), alive)


def contrasted(
    tuned: Float[Tensor, "row vocabulary"],
    base: Float[Tensor, "row vocabulary"],
    alpha: float | int,
    plausibility: float,
) -> Float[Tensor, "row vocabulary"]:
    """The contrast of two log-probabilities, minus infinity for what the tuned model finds implausible."""
    mixed = tuned + alpha * (tuned - base)
    if plausibility == 0:
        return mixed
    floor = tuned.amax(-1, keepdim=True) + math.log(plausibility)
    return mixed.masked_fill(tuned < floor, -torch.inf)


class _Both:
    """The model and its base, each with its own cache."""

    def __init__(self, lm: LanguageModel) -> None:
        self.lm = lm
        self.caches: list[Any] = [None, None]

    def read(self, tokens: Int[Tensor, "row token"]) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the next token: tuned, base."""
        return self._one(0, tokens), self._one(1, tokens)

    def _one(self, which: int, tokens: Int[Tensor, "row token"]) -> Float[Tensor, "row vocabulary"]:
        with adapter_off(self.lm) if which else nullcontext():
            output = self.lm.causal(
                input_ids=tokens, past_key_values=self.caches[which], use_cache=True
            )
        self.caches[which] = output.past_key_values
        return output.logits[:, -1].float().log_softmax(-1)


def _continuations(
    lm: LanguageModel,
    written: Int[Tensor, "row step"],
    ratios: Float[Tensor, " row"],
    alive: Tensor,
) -> list[Continuation]:
    rows = [tuple(token for token in row if token >= 0) for row in written.tolist()]
    texts = lm.tokenizer.batch_decode([list(row) for row in rows], skip_special_tokens=True)
    return [
        Continuation(row, text, not going, ratio)
        for row, text, going, ratio in zip(
            rows, texts, alive.tolist(), ratios.tolist(), strict=True
        )
    ]
