"""What the rest of the package relies on, checked causally when a model is loaded.

Each decoder layer's hook fires, its output is as wide as `d_model` says, and editing one row of it changes that row's
logits and no other row's.
"""

import torch
from torch import Tensor

from interp.language_model import LanguageModel
from interp.sites import hooked


@torch.inference_mode()
def check_contract(lm: LanguageModel) -> None:
    """Raise unless each layer's output is the residual stream and editing it has its effect where it should."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, lm.config.vocab_size, (2, 3), generator=generator).to(lm.device)
    intact = lm.causal(ids).logits
    for layer in range(lm.n_layers):
        seen: list[int] = []

        def nudge_second_row(hidden: Tensor, seen: list[int] = seen) -> Tensor:
            seen.append(hidden.shape[-1])
            nudged = hidden.clone()
            noise = torch.randn(nudged[1].shape, generator=torch.Generator().manual_seed(1))
            # as large as the stream itself: in bfloat16 a nudge of 1 is nothing beside a dimension of 1000
            nudged[1] += (noise * hidden[1].float().std().cpu()).to(hidden)
            return nudged

        with hooked(lm, {layer: nudge_second_row}):
            edited = lm.causal(ids).logits
        _check_site(lm, layer, seen, intact, edited)


def _check_site(
    lm: LanguageModel, layer: int, seen: list[int], intact: Tensor, edited: Tensor
) -> None:
    place = f"{lm.name}, layer {layer}"
    if seen != [lm.d_model]:
        raise ValueError(f"{place}: hook saw widths {seen}, expected one of {lm.d_model}")
    if torch.equal(intact[1], edited[1]):
        raise ValueError(f"{place}: editing its output does not change the logits")
    if not torch.allclose(intact[0], edited[0], rtol=1e-3, atol=1e-3):
        raise ValueError(f"{place}: editing one row changes another row's logits")
