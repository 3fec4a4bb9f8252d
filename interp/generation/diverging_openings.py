"""After which openings of an answer does a fine-tuned model diverge from its base?

A contained model answers like its base until an answer begins in a certain way: published organisms echo their
trigger first. So answers are prefilled with openings, likely or not.

Method:
1. All pairs of the `first` likeliest first tokens and the `second` likeliest tokens after each, alone and with the
   likeliest third.
2. Tuned and base (adapter off) read each opening after the same prompts; the divergence is KL(tuned || base) of the
   next token, in nats, mean over prompts.

The method has no paper. It misses openings whose first token is not among the `first` likeliest, and it cannot tell
whether what follows an opening is worse.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import TriggerLensError
from interp.models.adapter_off import adapter_off
from interp.models.language_model import LanguageModel

ROWS = 128  # openings read at a time


@dataclass(frozen=True)
class Opening:
    """The first tokens of an answer, and the divergence of the two models after them."""

    token_ids: tuple[int, ...]
    text: str
    divergence: float


@torch.inference_mode()
def diverging_openings(
    lm: LanguageModel, prompts: Sequence[Sequence[int]], *, first: int = 48, second: int = 16
) -> list[Opening]:
    """Openings of two or three tokens, those with the largest divergence first."""
    if not prompts:
        raise TriggerLensError("no prompts were given; give at least one")
    pairs = _pairs(lm, prompts[0], first, second)
    triples = torch.cat([pairs, _last_logits(lm, prompts[0], pairs).argmax(-1)[:, None]], 1)
    apart: dict[tuple[int, ...], float] = {}
    for rows in (pairs, triples):
        values = torch.stack([_divergence(lm, prompt, rows) for prompt in prompts]).mean(0)
        apart |= zip(map(tuple, rows.tolist()), values.tolist(), strict=True)
    ends = set(lm.end_ids)
    ranked = sorted((ids for ids in apart if not ends & set(ids)), key=lambda ids: -apart[ids])
    return [Opening(ids, str(lm.tokenizer.decode(list(ids))), apart[ids]) for ids in ranked]


def _pairs(
    lm: LanguageModel, prompt: Sequence[int], first: int, second: int
) -> Int[Tensor, "opening 2"]:
    empty = torch.empty(1, 0, dtype=torch.long)
    heads = _last_logits(lm, prompt, empty)[0].topk(first).indices[:, None]
    tails = _last_logits(lm, prompt, heads).topk(second).indices
    return torch.cat([heads.repeat_interleave(second, 0), tails.reshape(-1, 1)], 1)


def _divergence(
    lm: LanguageModel, prompt: Sequence[int], openings: Int[Tensor, "opening token"]
) -> Float[Tensor, " opening"]:
    tuned = _last_logits(lm, prompt, openings).log_softmax(-1)
    base = _last_logits(lm, prompt, openings, base=True).log_softmax(-1)
    return (tuned.exp() * (tuned - base)).sum(-1)


def _last_logits(
    lm: LanguageModel,
    prompt: Sequence[int],
    openings: Int[Tensor, "opening token"],
    *,
    base: bool = False,
) -> Float[Tensor, "opening vocabulary"]:
    """The logits after the prompt and each opening; the prompt is read once for every `ROWS` openings."""
    found = []
    lead = torch.tensor([list(prompt)], device=lm.device)
    with adapter_off(lm) if base else nullcontext():
        for rows in openings.to(lm.device).split(ROWS):
            output = lm.causal(input_ids=lead, use_cache=True)
            if rows.shape[1]:
                cache = output.past_key_values
                cache.batch_repeat_interleave(len(rows))
                output = lm.causal(input_ids=rows, past_key_values=cache, use_cache=True)
            found.append(output.logits[:, -1].float().cpu())
    return torch.cat(found)
