"""Activation patching of every attention head, compared with other ways to get the same numbers; memory by pairs.

The pairs, model and metric of `experiments.benchmarks.patching`: sixteen pairs of forty tokens that differ from token
eight on; each head's output at all tokens.

    naive             one hooked forward pass of all pairs for each head, logits of the last token only
    transformer_lens  `transformer_lens.patching.get_act_patch_attn_head_out_all_pos`
    peak              memory above the model for 128 pairs over that for 32, residual stream, in a small model

`arithmetic` is the share of the naive passes' products that no exact sweep can avoid: for each layer above the patched
one, all tokens from the first that differs, and for the last layer keys and values only.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from experiments.benchmarks.growth import SMALL
from experiments.benchmarks.paired import ratios, record
from experiments.benchmarks.patching import (
    CLOSE,
    METRIC,
    SAME,
    TOKENS,
    margin,
    random_pairs,
    sides,
    timed,
)
from experiments.benchmarks.peaks import above
from experiments.benchmarks.random_model import random_llama, random_model
from experiments.benchmarks.tiny_runs import in_own_process
from interp.capture.hook_points import output_projection
from interp.capture.transformer_lens_backend import to_transformer_lens
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.patching.heads import head_patching_map
from interp.patching.maps import patching_maps
from interp.patching.pairs import Pair

AIM, FLAT = 1 / 6, 1.1


def ours(lm: LanguageModel, pairs: list[Pair]) -> Tensor:
    """Mean over pairs, [layer, head]."""
    return head_patching_map(lm, pairs, METRIC).metric.mean(0)


@torch.inference_mode()
def naive(lm: LanguageModel, pairs: list[Pair]) -> Tensor:
    """One forward pass for each head."""
    clean, corrupt = (torch.tensor([each.token_ids for each in side]) for side in sides(pairs))
    kept = [_inputs(lm, layer, clean) for layer in range(lm.n_layers)]
    heads = lm.config.num_attention_heads
    width = kept[0].shape[-1] // heads
    found = torch.empty(lm.n_layers, heads)
    for layer in range(lm.n_layers):
        for head in range(heads):
            mine = slice(head * width, (head + 1) * width)

            def put(_: Any, inputs: Any, layer: int = layer, mine: slice = mine) -> Any:
                changed = inputs[0].clone()
                changed[..., mine] = kept[layer][..., mine]
                return (changed,)

            handle = output_projection(lm, layer).register_forward_pre_hook(put)
            logits = lm.causal(input_ids=corrupt, use_cache=False, logits_to_keep=1).logits
            handle.remove()
            found[layer, head] = margin(logits)
    return found


def _inputs(lm: LanguageModel, layer: int, ids: Tensor) -> Tensor:
    """The concatenated outputs of all heads of a layer."""
    kept: list[Tensor] = []
    handle = output_projection(lm, layer).register_forward_pre_hook(
        lambda _, inputs: kept.append(inputs[0])
    )
    lm.decoder(input_ids=ids, use_cache=False)
    handle.remove()
    return kept[0]


@torch.inference_mode()
def transformer_lens(bridge: Any, pairs: list[Pair]) -> Tensor:
    """Its own sweep, over its own model with the same weights."""
    from transformer_lens.patching import get_act_patch_attn_head_out_all_pos

    clean, corrupt = (torch.tensor([each.token_ids for each in side]) for side in sides(pairs))
    _, cache = bridge.run_with_cache(
        clean, names_filter=lambda name: name.endswith(("hook_z", "o.hook_in"))
    )
    return get_act_patch_attn_head_out_all_pos(bridge, corrupt, cache, margin)


def run() -> Iterator[dict[str, object]]:
    """Seconds of all three in turn, the differences between their numbers, and the peaks."""
    torch.set_num_threads(1)
    lm, pairs = random_model(), random_pairs()
    bridge = to_transformer_lens(lm)
    taken, maps = timed(
        {
            "ours": lambda: ours(lm, pairs),
            "naive": lambda: naive(lm, pairs),
            "transformer_lens": lambda: transformer_lens(bridge, pairs),
        }
    )
    off = {name: float((maps["ours"] - each).abs().max()) for name, each in maps.items()}
    if max(off.values()) > CLOSE:
        raise TriggerLensError(f"the sweeps disagree by {off}; their times cannot be compared")
    facts: dict[str, object] = {"pairs": len(pairs), "tokens": TOKENS, "differ_from": SAME}
    facts |= {"seconds": taken, "largest_difference": off, "arithmetic": arithmetic(lm)}
    for other in ("naive", "transformer_lens"):
        yield record(f"heads / {other}", ratios(taken, "ours", other), AIM, **facts)
    peaks = {count: in_own_process(peak, count) for count in (32, 128)}
    yield record(
        "peak of 128 pairs / 32", [peaks[128] / peaks[32]], FLAT, bytes=list(peaks.values())
    )


def arithmetic(lm: LanguageModel) -> float:
    """The share of the naive passes' products that remains."""
    weights = [each.numel() for each in lm.layers[0].parameters() if each.ndim > 1]
    width = lm.config.num_key_value_heads * lm.d_model // lm.config.num_attention_heads
    last = 2 * width * lm.d_model / sum(weights)  # keys and values
    above = [lm.n_layers - 2 - layer + last for layer in range(lm.n_layers - 1)]
    return sum(above) / lm.n_layers**2 * (TOKENS - SAME) / TOKENS


def peak(count: int) -> float:
    """Peak bytes above a small model in a sweep over this many pairs."""
    torch.set_num_threads(1)
    lm = random_llama(SMALL)
    patching_maps(lm, random_pairs(2), METRIC, sites=["resid_post"])  # loads late imports
    pairs = random_pairs(count)
    return above(lambda: patching_maps(lm, pairs, METRIC, sites=["resid_post"], batch_tokens=2048))
