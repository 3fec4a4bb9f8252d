"""The Jacobian lens: carries a layer's stream to the last layer by the average Jacobian of the layers in between.

Method (Gurnee et al. 2026; the estimator of TransformerLens 3.9's `JacobianLens`, which gives the same matrices):
1. For each prompt and source layer, the derivative of the last layer's stream with respect to the source layer's, at
   every pair of tokens: summed over the later ones, averaged over the earlier ones. The first `skip` tokens, where
   attention sinks are, and the last one are left out.
2. The matrices of the prompts are averaged.
3. A stream h of layer l is read out as the final norm and the head of J_l h. J = 1 is the logit lens.

One backward pass for `rows` of the d_model outputs: a prompt costs d_model / rows of them.
It is an average, to first order: anything that differs between contexts is lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capture.hook_points import first_tensor
from interp.capture.sites import check_layers
from interp.errors import TriggerLensError
from interp.io.validation import check_count
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet

SKIP = 16  # tokens at the start that are left out, as in published lenses


@dataclass(frozen=True, eq=False)
class JacobianLens:
    """`matrices[layer]` carries a stream of that layer to the last one; rows are outputs."""

    matrices: Mapping[int, Float[Tensor, "d_model d_model"]]
    n_prompts: int
    model_hash: str

    def __str__(self) -> str:
        return f"Jacobian lens of {self.n_prompts} prompts"

    def transport(
        self, lm: LanguageModel, stream: Float[Tensor, "row d_model"], layer: int
    ) -> Float[Tensor, "row d_model"]:
        """Streams of a layer carried to the last layer; those of the last layer are returned unchanged."""
        if self.model_hash != lm.weights_hash:
            raise TriggerLensError(
                f"the lens was fitted to weights {self.model_hash[:12]}, {lm.name} has {lm.weights_hash[:12]};"
                " fit it again"
            )
        if layer == lm.n_layers - 1:
            return stream
        if layer not in self.matrices:
            raise TriggerLensError(
                f"the lens has no layer {layer}; it was fitted to {sorted(self.matrices)}"
            )
        return stream.cpu() @ self.matrices[layer].T


def fit_jacobian_lens(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = None,
    skip: int = SKIP,
    rows: int = 8,
) -> JacobianLens:
    """Average the Jacobians of the prompts; a prompt of `skip` + 1 tokens or fewer is an error.

    `layers`: below the last one; None is all of them. About a hundred prompts of a hundred tokens are usable.
    """
    check_count("rows", rows)
    check_count("skip", skip, 0)
    last = lm.n_layers - 1
    sources = check_layers(lm, range(last) if layers is None else layers)
    if not sources or sources[-1] == last:
        raise TriggerLensError(f"layers={list(sources)}: give layers below {last}, the last one")
    short = [prompt for prompt in prompts if len(prompt) < skip + 2]
    if short or not len(prompts):
        length = len(short[0]) if short else 0
        raise TriggerLensError(
            f"{len(short)} of {len(prompts)} prompts are too short, the first of {length} tokens: a Jacobian lens"
            f" needs {skip + 2}; give longer ones or a smaller skip"
        )
    total = {layer: torch.zeros(lm.d_model, lm.d_model) for layer in sources}
    with _frozen(lm):
        for prompt in prompts:
            for layer, matrix in _jacobians(lm, prompt.token_ids, sources, skip, rows).items():
                total[layer] += matrix / len(prompts)
    return JacobianLens(total, len(prompts), lm.weights_hash)


@contextmanager
def _frozen(lm: LanguageModel) -> Iterator[None]:
    """Turn off the weights' gradients, so that the graph begins at the first source layer."""
    trained = [weight for weight in lm.model.parameters() if weight.requires_grad]
    for weight in trained:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)


def _jacobians(
    lm: LanguageModel, token_ids: Sequence[int], sources: Sequence[int], skip: int, rows: int
) -> dict[int, Float[Tensor, "d_model d_model"]]:
    """One prompt's matrices, `rows` outputs at a time."""
    streams = _streams(lm, torch.tensor([token_ids], device=lm.device).expand(rows, -1), sources)
    target = streams[lm.n_layers - 1]
    tokens = torch.arange(skip, len(token_ids) - 1, device=target.device)
    found = {layer: torch.zeros(lm.d_model, lm.d_model) for layer in sources}
    for start in range(0, lm.d_model, rows):
        outputs = torch.arange(start, min(start + rows, lm.d_model), device=target.device)
        wanted = torch.zeros_like(target)
        batch = torch.arange(len(outputs), device=target.device)
        wanted[batch[:, None], tokens, outputs[:, None]] = 1
        gradients = torch.autograd.grad(
            target, [streams[layer] for layer in sources], wanted, retain_graph=True
        )
        for layer, gradient in zip(sources, gradients, strict=True):
            mean = gradient[: len(outputs), tokens.to(gradient.device)].float().mean(1)
            found[layer][outputs.cpu()] = mean.cpu()
    return found


def _streams(lm: LanguageModel, ids: Tensor, sources: Sequence[int]) -> dict[int, Tensor]:
    """The stream after each source layer and after the last one, connected by an autograd graph."""
    streams: dict[int, Tensor] = {}
    with ExitStack() as stack, torch.enable_grad():
        for layer in {*sources, lm.n_layers - 1}:

            def keep(_module: object, _inputs: object, output: object, layer: int = layer) -> None:
                hidden = first_tensor(output)
                if layer == min(sources):
                    hidden.requires_grad_(True)
                streams[layer] = hidden

            stack.callback(lm.layers[layer].register_forward_hook(keep).remove)
        lm.decoder(input_ids=ids, use_cache=False)
    return streams
