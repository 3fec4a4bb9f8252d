"""What each head of a layer attends to: attention weights, prompt by prompt.

Method: the model's own attention is run in its eager form, which returns its weights, for one layer; the faster forms
compute the same without keeping them. The weights do not show whether a head moves anything from the tokens that it
attends to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capture.sites import check_layers
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet
from interp.readout.tokens import token_text

if TYPE_CHECKING:
    import plotly.graph_objects


@dataclass(frozen=True, eq=False)
class AttentionPatterns:
    """`weights[i][head, query, key]` of prompt i after the softmax; its tokens are `tokens[i]`."""

    layer: int
    prompts: PromptSet
    tokens: tuple[tuple[str, ...], ...]
    weights: tuple[Float[Tensor, "_ _ _"], ...]  # prompts differ in length

    def __len__(self) -> int:
        return len(self.weights)

    def plot(self, prompt: int = 0, head: int | None = None) -> "plotly.graph_objects.Figure":
        """One prompt's pattern: of one head, or the mean of all."""
        from interp.figures import attention

        return attention(self, prompt, head)


@torch.no_grad()
def attention_patterns(lm: LanguageModel, prompts: PromptSet, layer: int) -> AttentionPatterns:
    """The weights of every head of one layer, one prompt at a time."""
    (layer,) = check_layers(lm, [layer])
    weights = []
    with _eager(lm), _keeping(lm, layer) as kept:
        for prompt in prompts:
            ids = torch.tensor([prompt.token_ids], device=lm.device)
            lm.decoder(input_ids=ids, use_cache=False)
            if not kept or kept[-1] is None:
                raise TriggerLensError(
                    f"{lm.name}: the attention of layer {layer} returns no weights"
                )
            weights.append(kept.pop()[0].float().cpu())
    tokens = tuple(tuple(token_text(lm, token) for token in prompt.token_ids) for prompt in prompts)
    return AttentionPatterns(layer, prompts, tokens, tuple(weights))


@contextmanager
def _eager(lm: LanguageModel) -> Iterator[None]:
    before = lm.config._attn_implementation
    lm.causal.set_attn_implementation("eager")
    try:
        yield
    finally:
        lm.causal.set_attn_implementation(before)


@contextmanager
def _keeping(lm: LanguageModel, layer: int) -> Iterator[list[Any]]:
    """The second item that the layer's attention returns, pass by pass."""
    attention = getattr(lm.layers[layer], "self_attn", getattr(lm.layers[layer], "attn", None))
    if attention is None:
        raise TriggerLensError(
            f"{lm.name}: layer {layer} has no self_attn, so its heads cannot be read"
        )
    kept: list[Any] = []
    handle = attention.register_forward_hook(
        lambda _module, _inputs, output: kept.append(
            output[1] if isinstance(output, tuple) else None
        )
    )
    try:
        yield kept
    finally:
        handle.remove()
