"""The distribution of the first token of an answer, for many prompts at once; nothing is generated.

Prompts of one length are read together, so that none is padded and only the last position's logits are computed.
"""

from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor

from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet

ROWS = 256


@torch.inference_mode()
def next_token_log_probs(
    lm: LanguageModel, prompts: PromptSet, rows: int = ROWS
) -> Float[Tensor, "prompt vocabulary"]:
    """Log-probabilities of the token after each prompt, in nats, on the CPU."""
    size = lm.causal.get_output_embeddings().weight.shape[0]
    found = torch.empty(len(prompts), size)
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    for _, alike in groupby(order, key=lambda row: len(prompts[row])):
        places = list(alike)
        for start in range(0, len(places), rows):
            here = places[start : start + rows]
            ids = torch.tensor([prompts[row].token_ids for row in here], device=lm.device)
            logits = lm.causal(input_ids=ids, use_cache=False, logits_to_keep=1).logits
            found[here] = logits[:, -1].float().log_softmax(-1).cpu()
    return found


def divergences(
    first: Float[Tensor, "... vocabulary"], second: Float[Tensor, "... vocabulary"]
) -> Float[Tensor, "..."]:
    """KL(first || second) of each row, in nats; both are log-probabilities, and may be broadcast."""
    return (first.exp() * (first - second)).sum(-1)
