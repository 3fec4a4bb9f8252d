"""A causal language model with its tokenizer, and where its residual stream is.

Layers are resolved through the model's own decoder, never by a name suffix: a vision tower has `.layers` too.
What it does not know: whether weights change later. `weights_hash` is taken when first asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from interp.io.tensors import hash_tensors
from interp.models.chat import ChatFormat, end_of_turn


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
        layers = getattr(self.decoder, "layers", getattr(self.decoder, "h", None))
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
        """Logits from what the final norm returns, scaled and capped as the model does it."""
        if self._head_is_one_map:
            return self.causal.get_output_embeddings()(normed)
        return self._own_head(normed)

    @cached_property
    def _head_is_one_map(self) -> bool:
        """Whether logits are the output embeddings' and nothing else: no scale, no soft cap."""
        weight = self.causal.get_output_embeddings().weight
        noise = torch.randn(2, self.d_model, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            normed = noise.to(self.device, torch.float32 if weight.itemsize < 2 else weight.dtype)
            direct = self.causal.get_output_embeddings()(normed[:, None])[:, 0]
            return torch.equal(direct.float(), self._own_head(normed).float())

    def _own_head(self, normed: Tensor) -> Tensor:
        """The logits of the model's own code, which finds `normed` where its decoder would have put it."""
        rows = normed.reshape(-1, 1, normed.shape[-1])
        with returning(self.decoder, _Final(last_hidden_state=rows)):
            logits = self.causal(inputs_embeds=rows, use_cache=False).logits
        return logits.view(*normed.shape[:-1], -1)

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
        return hash_tensors(self.model.state_dict())


class _Final(BaseModelOutput):
    """What a decoder returns; whatever else a family's head looks for is not there."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


@contextmanager
def returning(module: nn.Module, output: Any) -> Iterator[None]:
    """Let a module return this, whatever it is called with."""
    before = module.__dict__.get(
        "forward"
    )  # that of accelerate, where the model is spread over devices
    module.forward = lambda *_, **__: output
    try:
        yield
    finally:
        del module.forward
        if before is not None:
            module.forward = before
