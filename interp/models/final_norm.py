"""The norm between a decoder's last layer and its head, identified by what it computes and not by its name.

Families call it `norm`, `final_layernorm`, `ln_f`; some have none. One forward pass of a few tokens shows which child
of the decoder turns what the last layer returns into what the head reads.
"""

from typing import Any

import torch
from torch import Tensor, nn

TOKENS = (1, 2, 3)


@torch.no_grad()
def find_final_norm(decoder: Any, last_layer: nn.Module, device: torch.device) -> nn.Module | None:
    """The module, an identity if the last layer's output goes to the head unchanged, or None for anything else."""
    kept: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        output = output if isinstance(output, Tensor) else output[0]
        if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
            kept[module] = inputs[0].cpu(), output.cpu()

    children = [child for child in decoder.children() if not isinstance(child, nn.ModuleList)]
    handles = [module.register_forward_hook(keep) for module in (*children, last_layer)]
    try:
        ids = torch.tensor([TOKENS], device=device)
        read = decoder(input_ids=ids, use_cache=False).last_hidden_state.cpu()
    finally:
        for handle in handles:
            handle.remove()
    stream = kept.pop(last_layer)[1]
    for module, (given, returned) in kept.items():
        if torch.equal(given, stream) and torch.equal(returned, read):
            return module
    return nn.Identity() if torch.equal(stream, read) else None
