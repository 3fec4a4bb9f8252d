"""Draw tokens by inverting the cumulative distribution at given uniform numbers.

The numbers depend only on (seed, prompt content, sample, step), so an answer does not depend on which other prompts
share its batch, and the same prompt gets the same numbers with and without an intervention (common random numbers).
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.prompts import Prompt


def uniforms(
    prompts: Sequence[Prompt], samples: int, steps: int, seed: int
) -> Float[Tensor, "prompt sample step"]:
    """Counter-based (Philox) numbers in [0, 1); more samples or steps extend the earlier ones.

    A prompt that occurs again gets other numbers than its first occurrence.
    """
    numbers = np.empty((len(prompts), samples, steps), dtype=np.float32)
    occurrences: dict[tuple[int, ...], int] = {}
    for row, prompt in enumerate(prompts):
        occurrence = occurrences.get(prompt.token_ids, 0)
        occurrences[prompt.token_ids] = occurrence + 1
        key = _key(prompt, occurrence, seed)
        for sample in range(samples):
            bits = np.random.Philox(key=key, counter=[0, 0, 0, sample])
            numbers[row, sample] = np.random.Generator(bits).random(steps, dtype=np.float32)
    return torch.from_numpy(numbers)


def _key(prompt: Prompt, occurrence: int, seed: int) -> int:
    content = f"{seed} {occurrence} {prompt.token_ids}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:16], "little")


def draw(
    logits: Float[Tensor, "*row vocabulary"],
    uniform: Float[Tensor, "*row"],
    *,
    temperature: float | int,
    top_p: float | int,
) -> Int[Tensor, "*row"]:
    """One token per row; temperature 0 takes the most likely one."""
    if temperature == 0:
        return logits.argmax(-1)
    scaled = logits.float() if temperature == 1 else logits.float() / temperature
    probabilities = scaled.softmax(-1)
    if top_p >= 1:
        return _invert(probabilities, uniform)
    ranked, order = probabilities.sort(-1, descending=True)
    before = ranked.cumsum(-1) - ranked
    rank = _invert(ranked.masked_fill(before >= top_p, 0), uniform)
    return order.gather(-1, rank[..., None])[..., 0]


def _invert(weights: Tensor, uniform: Tensor) -> Tensor:
    """The first index whose cumulative weight exceeds `uniform` times the total."""
    cumulative = weights.cumsum(-1)
    threshold = uniform[..., None] * cumulative[..., -1:]
    found = torch.searchsorted(cumulative, threshold, right=True)[..., 0]
    return found.clamp_max(weights.shape[-1] - 1)
