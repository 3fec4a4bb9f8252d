"""A causal language model with its tokenizer, and the location of its residual stream.

The methods are thin: each calls the function of the package that does the work. Layers are found through the model's
own decoder, never by a name suffix, because a vision tower also has `.layers`.
Later changes to the weights are not noticed: `weights_hash` is computed once, at first use.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from interp.errors import TriggerLensError
from interp.io.tensors import hash_tensors
from interp.models.chat import ChatFormat, end_of_turn
from interp.models.final_norm import find_final_norm
from interp.models.vocabulary import in_blocks

if TYPE_CHECKING:  # all of these import this module
    import interp.activations
    import interp.directions
    import interp.generation.completions
    import interp.interventions
    import interp.prompts
    import interp.readout.api
    import interp.readout.attention
    import interp.readout.jacobian


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A Hugging Face causal model (perhaps inside a PeftModel) with its tokenizer and its chat format."""

    model: nn.Module
    tokenizer: Any
    name: str
    chat: ChatFormat = field(default_factory=ChatFormat)

    def __repr__(self) -> str:
        dtype = str(next(self.model.parameters()).dtype).removeprefix("torch.")
        kind = type(self.causal).__name__
        shape = f"{self.n_layers} layers of width {self.d_model}"
        return f"{self.name}: {kind}, {shape}, {dtype} on {self.device}; {self.chat}"

    def prompts(
        self,
        texts: "str | Sequence[str | interp.prompts.Question] | Mapping[str, str]",
        wordings: "Mapping[str, str | interp.prompts.Framing] | None" = None,
        *,
        chat: bool = True,
        system: str | None = None,
    ) -> "interp.prompts.PromptSet":
        """Questions under wordings, in the model's chat format or as plain text: `interp.strings.prompts_from`."""
        from interp.strings import prompts_from

        return prompts_from(self, texts, wordings, chat=chat, system=system)

    def capture(
        self,
        prompts: "interp.prompts.PromptSet",
        *,
        layers: Sequence[int] | None = None,
        position: Any = "last",
        site: str = "resid_post",
        **how: Any,
    ) -> Any:
        """`Activations` of the prompts, or a dict of them for several positions: `interp.capture.api.capture`."""
        from interp.capture.api import capture

        return capture(self, prompts, layers=layers, position=position, site=site, **how)

    def generate(
        self,
        prompts: "interp.prompts.PromptSet",
        *,
        edits: "Sequence[interp.interventions.Intervention]" = (),
        samples: int = 1,
        max_new_tokens: int = 64,
        seed: int = 0,
        **how: Any,
    ) -> "interp.generation.completions.Completions":
        """Sampled answers, with these edits of the residual stream: `interp.generation.generate.generate`."""
        from interp.generation.generate import generate

        return generate(
            self,
            prompts,
            samples_per_prompt=samples,
            max_new_tokens=max_new_tokens,
            seed=seed,
            interventions=edits,
            **how,
        )

    def read_out(
        self,
        what: "interp.directions.Direction | interp.activations.Activations",
        *,
        k: int = 10,
        lens: "interp.readout.jacobian.JacobianLens | None" = None,
        controls: int = 100,
        seed: int = 0,
    ) -> "interp.readout.api.ReadOut":
        """Tokens that directions or activations promote, against random ones: `interp.readout.api.read_out`."""
        from interp.readout.api import read_out

        return read_out(self, what, k=k, lens=lens, controls=controls, seed=seed)

    def attention(
        self, prompts: "interp.prompts.PromptSet", layer: int
    ) -> "interp.readout.attention.AttentionPatterns":
        """Which tokens each head of a layer attends to: `interp.readout.attention.attention_patterns`."""
        from interp.readout.attention import attention_patterns

        return attention_patterns(self, prompts, layer)

    @cached_property
    def causal(self) -> Any:
        """The transformers model itself; below a PeftModel its layers carry the live adapter."""
        model: Any = self.model
        return model.get_base_model() if hasattr(model, "get_base_model") else model

    @cached_property
    def decoder(self) -> Any:
        """The text decoder, without vision tower and language-model head."""
        return self.causal.get_decoder()

    @cached_property
    def layers(self) -> nn.ModuleList:
        """The decoder layers, bottom to top."""
        layers = getattr(self.decoder, "layers", getattr(self.decoder, "h", None))
        if not isinstance(layers, nn.ModuleList):
            raise TriggerLensError(
                f"{self.name}: no decoder layers in {type(self.causal).__name__}"
            )
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
        """Logits from the output of the final norm, scaled and capped as in the model."""
        if self._head_is_one_map:
            return in_blocks(self.causal.get_output_embeddings(), normed)
        return self._own_head(normed)

    @cached_property
    def final_norm(self) -> nn.Module:
        """The norm between the last layer and the head; an identity if the model has none."""
        norm = find_final_norm(self.decoder, self.layers[-1], self.device)
        if norm is None:
            raise TriggerLensError(
                f"{self.name}: no single module of {type(self.decoder).__name__} stands between its last layer and its"
                " head, so its stream cannot be read out in tokens"
            )
        return norm

    def logits_of(self, stream: Float[Tensor, "*row d_model"]) -> Float[Tensor, "*row vocabulary"]:
        """The logits of a residual stream after the last layer: the final norm, then the head."""
        return self.head(self.final_norm(stream))

    @cached_property
    def _head_is_one_map(self) -> bool:
        """Whether logits come from the output embeddings alone, with no scale and no soft cap."""
        weight = self.causal.get_output_embeddings().weight
        noise = torch.randn(2, self.d_model, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            normed = noise.to(self.device, torch.float32 if weight.itemsize < 2 else weight.dtype)
            direct = self.causal.get_output_embeddings()(normed[:, None])[:, 0]
            return torch.equal(direct.float(), self._own_head(normed).float())

    def _own_head(self, normed: Tensor) -> Tensor:
        """The logits from the model's own code, with `normed` in place of its decoder's output."""
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
    """What a decoder returns; any other attribute that a family's head looks for is None."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


@contextmanager
def returning(module: nn.Module, output: Any) -> Iterator[None]:
    """Make a module return this value, whatever its inputs are."""
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
