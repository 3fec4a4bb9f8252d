"""What a feature looks like: where it fires, on which tokens, what it writes. JSON for the page that draws it.

histogram     by condition: share of prompts where it fires, and its maxima in ten bins
examples      the answers where it fires most, token by token with its activation
neighbours    features that write in similar directions
promotes, suppresses    tokens whose logits move most if its decoder vector is added to the mean stream just before the
              head: the direct path only, as if no later layer read it
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.study.steps.sparse.tokens import Tokens
from interp.models.language_model import LanguageModel
from interp.sae.autoencoder import SparseAutoencoder

BINS, EXAMPLES, NEIGHBOURS, WORDS = 10, 6, 5, 8


def card(
    lm: LanguageModel,
    sae: SparseAutoencoder,
    feature: int,
    tokens: Tokens,
    fired: Float[Tensor, "row feature"],
) -> dict[str, Any]:
    """Everything about one feature that is not an estimate."""
    own = fired[:, feature]
    up, down = _logit_effect(lm, sae, feature, own, tokens)
    return {
        "feature": int(feature),
        "histogram": _histogram(tokens, fired[:, [feature]]),
        "examples": _examples(lm, tokens, own),
        "neighbours": _neighbours(sae, feature),
        "promotes": up,
        "suppresses": down,
    }


def _histogram(tokens: Tokens, own: Float[Tensor, "row 1"]) -> list[dict[str, Any]]:
    peaks = tokens.pooled(own, tokens.in_prompt)[:, 0]
    edges = np.linspace(0, float(peaks.max()) or 1.0, BINS + 1)
    conditions = np.array(tokens.completions.conditions)
    return [
        {
            "condition": str(name),
            "fires": float((peaks[conditions == name] > 0).mean()),
            "mean": float(peaks[conditions == name].mean()),
            "counts": np.histogram(peaks[conditions == name], edges)[0].tolist(),
            "edges": [round(float(edge), 4) for edge in edges],
        }
        for name in dict.fromkeys(conditions)
    ]


def _examples(
    lm: LanguageModel, tokens: Tokens, own: Float[Tensor, " row"]
) -> list[dict[str, Any]]:
    everywhere = torch.ones(len(own), dtype=torch.bool)
    peaks = tokens.pooled(own[:, None], everywhere)[:, 0]
    source = torch.tensor(tokens.tuned.source)
    found = []
    for answer in np.argsort(-peaks, kind="stable")[:EXAMPLES]:
        prompt = tokens.completions.prompts[tokens.completions.prompt_index[answer]]
        ids = [*prompt.token_ids, *tokens.completions.token_ids[answer]]
        heat = own[source == int(answer)]
        found.append(
            {
                "condition": prompt.condition,
                "question": prompt.question,
                "verdict": tokens.judgements[answer].verdict,
                "tokens": [lm.tokenizer.decode([token]) for token in ids],
                "values": [round(float(each), 4) for each in heat],
            }
        )
    return found


def _neighbours(sae: SparseAutoencoder, feature: int) -> list[dict[str, Any]]:
    cosines = torch.nn.functional.cosine_similarity(sae.decoder, sae.decoder[feature][None], dim=1)
    best = cosines.argsort(descending=True).tolist()
    others = [each for each in best if each != feature][:NEIGHBOURS]
    return [{"feature": each, "cosine": round(float(cosines[each]), 4)} for each in others]


@torch.no_grad()
def _logit_effect(
    lm: LanguageModel, sae: SparseAutoencoder, feature: int, own: Tensor, tokens: Tokens
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    mean = tokens.tuned.at(sae.place.layer).mean(0).to(lm.device)
    size = own[own > 0].mean() if bool((own > 0).any()) else torch.tensor(1.0)
    written = size.to(lm.device) * sae.decoder[feature].to(lm.device)
    streams = torch.stack([mean, mean + written]).to(lm.causal.dtype)
    before, after = lm.causal.get_output_embeddings()(lm.decoder.norm(streams)).float()
    order = (after - before).argsort(descending=True).tolist()

    def named(ids: list[int]) -> list[dict[str, Any]]:
        return [
            {"token": lm.tokenizer.decode([i]), "logit": round(float(after[i] - before[i]), 3)}
            for i in ids
        ]

    return named(order[:WORDS]), named(order[::-1][:WORDS])
