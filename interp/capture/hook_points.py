"""The places in a decoder layer where activations are read.

    attn_out     what the attention adds to the residual stream
    mlp_out      what the MLP adds to it
    resid_post   the stream after the layer: the stream before it plus attn_out and mlp_out

Some architectures normalise a block's output before adding it (Gemma 2 and 3, OLMo 2). Their outputs are read after
that norm, so the sum also holds for them. `check_sum` tests this sum on a loaded model.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

SITES = ("resid_post", "attn_out", "mlp_out")
SUM_TOLERANCE = 1e-2  # of the stream's largest value: bfloat16 rounds twice


class HookPoint(NamedTuple):
    """One site of one decoder layer (0-based)."""

    layer: int
    site: str


HEADS = "heads"  # the input of a layer's output projection: the concatenated outputs of its heads
EMBEDDINGS = HookPoint(
    -1, "embeddings"
)  # what enters the first layer, scaled where the family scales it


def check_site(site: str) -> None:
    """Raise unless the site is one of the three."""
    if site not in SITES:
        raise TriggerLensError(f"unknown site {site!r}; choose one of {', '.join(SITES)}")


def block_names(layer: nn.Module) -> dict[str, str]:
    """The submodules of a decoder layer whose outputs are added to the stream."""
    if hasattr(layer, "post_feedforward_layernorm"):
        return {"attn_out": "post_attention_layernorm", "mlp_out": "post_feedforward_layernorm"}
    return {"attn_out": "self_attn", "mlp_out": "mlp"}


def module_at(lm: LanguageModel, place: HookPoint) -> nn.Module:
    """The module whose output is read at a place."""
    if place == EMBEDDINGS:
        return lm.decoder.get_input_embeddings()
    layer = lm.layers[place.layer]
    if place.site == "resid_post":
        return layer
    name = block_names(layer)[place.site]
    module = getattr(layer, name, None)
    if module is None:
        raise TriggerLensError(
            f"{lm.name}: layer {place.layer} has no {name!r}, so {place.site} cannot be read; "
            "read resid_post"
        )
    return module


def output_projection(lm: LanguageModel, layer: int) -> nn.Module:
    """The linear map from the heads of a layer to the stream."""
    attention = getattr(lm.layers[layer], "self_attn", None)
    projection = getattr(attention, "o_proj", None)
    if projection is None:
        raise TriggerLensError(
            f"{lm.name}: layer {layer} has no self_attn.o_proj, so its heads cannot be separated; "
            "patch attn_out"
        )
    return projection


def first_tensor(output: Any) -> Tensor:
    """The output of a module, or its first item if it is a tuple."""
    return output if isinstance(output, Tensor) else output[0]


@torch.inference_mode()
def check_sum(lm: LanguageModel) -> None:
    """Raise unless, at every layer, the stream grows by attn_out + mlp_out."""
    seen: dict[tuple[int, str], Tensor] = {}
    handles = []
    for index, layer in enumerate(lm.layers):
        handles.append(layer.register_forward_pre_hook(_keep_input(seen, index), with_kwargs=True))
        for site in SITES:
            module = module_at(lm, HookPoint(index, site))
            handles.append(module.register_forward_hook(_keep(seen, index, site)))
    try:
        lm.decoder(input_ids=torch.tensor([[1, 2, 3]], device=lm.device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    for index in range(lm.n_layers):
        total = sum(seen[index, name].float() for name in ("before", "attn_out", "mlp_out"))
        after = seen[index, "resid_post"].float()
        if float((total - after).abs().max()) > SUM_TOLERANCE * float(after.abs().max()):
            raise TriggerLensError(
                f"{lm.name}: layer {index} does not add attn_out and mlp_out to its input; "
                "read resid_post"
            )


def _keep(seen: dict[tuple[int, str], Tensor], layer: int, site: str) -> Any:
    return lambda _module, _inputs, output: seen.update({(layer, site): first_tensor(output)})


def _keep_input(seen: dict[tuple[int, str], Tensor], layer: int) -> Any:
    def keep(_module: nn.Module, inputs: Any, named: Any) -> None:
        seen[layer, "before"] = inputs[0] if inputs else named["hidden_states"]

    return keep
