"""Activation patching of every layer and token, compared with other ways to get the same numbers.

Sixteen pairs of forty tokens that differ from token eight on; residual stream after each layer.

    naive             one hooked forward pass of all pairs for each layer and token, logits of the last token only
    transformer_lens  `transformer_lens.patching.generic_activation_patch` over the same grid

Ratios are of one turn, because a sweep is hundreds of forward passes in itself; the numbers of all three are compared.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from experiments.benchmarks.paired import Seconds, ratios, record, seconds
from experiments.benchmarks.random_model import VOCABULARY, random_model, random_prompts
from interp.capture.sites import hooked
from interp.capture.transformer_lens_backend import to_transformer_lens
from interp.errors import TriggerLensError
from interp.models.loading import LanguageModel
from interp.patching.attribution import agreement, attribution_map
from interp.patching.maps import patching_maps
from interp.patching.metrics import LogitDifference
from interp.patching.pairs import Pair, aligned

PAIRS, TOKENS, SAME, TURNS = 16, 40, 8, 1
METRIC = LogitDifference((100,), (200,))
CLOSE = 1e-4
AIM = 1 / 8


def random_pairs(count: int = PAIRS) -> list[Pair]:
    """Pairs with the same first tokens and different other tokens."""
    clean = random_prompts(count, TOKENS, TOKENS, seed=0)
    others = random_prompts(count, TOKENS, TOKENS, seed=1)
    return [
        aligned(a, replace(b, token_ids=a.token_ids[:SAME] + b.token_ids[SAME:]))
        for a, b in zip(clean, others, strict=True)
    ]


def ours(lm: LanguageModel, pairs: list[Pair]) -> Tensor:
    """Mean over pairs, [layer, token]."""
    return patching_maps(lm, pairs, METRIC, sites=["resid_post"])["resid_post"].metric.mean(0)


@torch.inference_mode()
def naive(lm: LanguageModel, pairs: list[Pair]) -> Tensor:
    """One forward pass for each cell."""
    clean, corrupt = (torch.tensor([each.token_ids for each in side]) for side in sides(pairs))
    kept: dict[int, Tensor] = {}
    keep = {layer: lambda h, layer=layer: kept.update({layer: h}) for layer in range(lm.n_layers)}
    with hooked(lm, keep):
        lm.decoder(input_ids=clean, use_cache=False)
    found = torch.empty(lm.n_layers, TOKENS)
    for layer in range(lm.n_layers):
        for token in range(TOKENS):

            def put(hidden: Tensor, layer: int = layer, token: int = token) -> Tensor:
                hidden[:, token] = kept[layer][:, token]
                return hidden

            with hooked(lm, {layer: put}):
                logits = lm.causal(input_ids=corrupt, use_cache=False, logits_to_keep=1).logits
            found[layer, token] = margin(logits)
    return found


@torch.inference_mode()
def transformer_lens(bridge: Any, pairs: list[Pair]) -> Tensor:
    """Its own sweep, over its own model with the same weights."""
    from transformer_lens.patching import generic_activation_patch, layer_pos_patch_setter

    clean, corrupt = (torch.tensor([each.token_ids for each in side]) for side in sides(pairs))
    _, cache = bridge.run_with_cache(
        clean, names_filter=lambda name: name.endswith(("hook_out", "hook_resid_post"))
    )
    sweep = partial(
        generic_activation_patch,
        patch_setter=layer_pos_patch_setter,
        activation_name="resid_post",
        index_axis_names=("layer", "pos"),
    )
    return sweep(bridge, corrupt, cache, margin)


def run() -> list[dict[str, object]]:
    """Seconds of all three in turn, and the differences between their numbers."""
    torch.set_num_threads(1)
    lm, pairs = random_model(), random_pairs()
    bridge = to_transformer_lens(lm)
    sweeps = {
        "ours": lambda: ours(lm, pairs),
        "naive": lambda: naive(lm, pairs),
        "transformer_lens": lambda: transformer_lens(bridge, pairs),
    }
    taken, maps = timed(sweeps)
    off = {name: float((maps["ours"] - each).abs().max()) for name, each in maps.items()}
    if max(off.values()) > CLOSE:
        raise TriggerLensError(f"the sweeps disagree by {off}; their times cannot be compared")
    facts: dict[str, object] = {
        "parameters": sum(each.numel() for each in lm.model.parameters()),
        "pairs": PAIRS,
        "tokens": TOKENS,
        "differ_from": SAME,
        "vocabulary": VOCABULARY,
        "seconds": taken,
        "largest_difference": off,
    }
    return [
        record(f"patching / {other}", ratios(taken, "ours", other), AIM, **facts)
        for other in ("naive", "transformer_lens")
    ] + [_first_order(lm, pairs)]


def _first_order(lm: LanguageModel, pairs: list[Pair]) -> dict[str, object]:
    """Seconds of the first-order map compared with the exact one, and their agreement at each site."""
    sites = ["resid_post", "attn_out", "mlp_out"]
    taken, maps = timed(
        {
            "quick": lambda: attribution_map(lm, pairs, METRIC, sites=sites),
            "exact": lambda: patching_maps(lm, pairs, METRIC, sites=sites),
        }
    )
    quick, exact = maps["quick"], maps["exact"]
    agree = {site: vars(agreement(quick[site], exact[site])) for site in sites}
    name = "attribution patching / exact"
    return record(name, ratios(taken, "quick", "exact"), 1.0, agreement=agree)


def timed(sweeps: dict[str, Callable[[], Any]]) -> tuple[Seconds, dict[str, Any]]:
    """Seconds of each sweep, and its result in the last turn."""
    maps: dict[str, Any] = {}

    def keeping(name: str, sweep: Callable[[], Any]) -> Callable[[], object]:
        return lambda: maps.update({name: sweep()})

    timed = {name: keeping(name, sweep) for name, sweep in sweeps.items()}
    return seconds(timed, TURNS, warm=False), maps


def sides(pairs: list[Pair]) -> tuple[list[Any], list[Any]]:
    """Clean and corrupt prompts."""
    return [pair.clean for pair in pairs], [pair.corrupt for pair in pairs]


def margin(logits: Tensor) -> Tensor:
    """The metric for TransformerLens, a mean over pairs."""
    return (logits[:, -1, 100] - logits[:, -1, 200]).mean()
