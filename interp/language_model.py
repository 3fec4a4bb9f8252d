"""A causal language model with its tokenizer, and where its residual stream is.

Layers are resolved through the model's own decoder, never by a name suffix: a vision tower has `.layers` too.
What it does not know: whether weights change later. `weights_hash` is taken when first asked for.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interp.chat import ChatFormat, end_of_turn


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A Hugging Face causal model (perhaps inside a PeftModel) with its tokenizer; `chat` says how to talk to it."""

    model: nn.Module
    tokenizer: Any
    name: str
    chat: ChatFormat = field(default_factory=ChatFormat)

    @cached_property
    def causal(self) -> Any:
        """The transformers model itself; below a PeftModel its layers carry the live adapter."""
        model: Any = self.model
        return model.get_base_model() if hasattr(model, "get_base_model") else model

    @cached_property
    def decoder(self) -> Any:
        """The text decoder: no vision tower, no language-model head."""
        return self.causal.get_decoder()

    @cached_property
    def layers(self) -> nn.ModuleList:
        """The decoder layers, bottom to top."""
        layers = getattr(self.decoder, "layers", None)
        if not isinstance(layers, nn.ModuleList):
            raise ValueError(f"{self.name}: no decoder layers in {type(self.causal).__name__}")
        return layers

    @property
    def n_layers(self) -> int:
        return len(self.layers)

    @property
    def config(self) -> Any:
        """The text part of the model's configuration."""
        return self.causal.config.get_text_config(decoder=True)

    @property
    def d_model(self) -> int:
        return self.config.hidden_size

    def head(self, normed: Float[Tensor, "*row d_model"]) -> Float[Tensor, "*row vocabulary"]:
        """Logits from what the final norm returns."""
        logits = self.causal.get_output_embeddings()(normed)
        cap = getattr(self.config, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """Every token that ends an answer: the tokenizer's, the template's and the generation configuration's."""
        configured = getattr(self.causal.generation_config, "eos_token_id", None)
        configured = configured if isinstance(configured, list) else [configured]
        found = {self.tokenizer.eos_token_id, self._end_of_turn_id, *configured} - {None}
        return tuple(sorted(found))

    @property
    def _end_of_turn_id(self) -> int | None:
        token = end_of_turn(self.tokenizer, self.chat)
        return None if token is None else self.tokenizer.convert_tokens_to_ids(token)

    @cached_property
    def weights_hash(self) -> str:
        """SHA-256 of all weights, the adapter's included."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(
                tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
            )
        return digest.hexdigest()
