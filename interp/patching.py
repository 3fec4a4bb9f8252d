"""Which layer and token carry a difference between two prompts: exact residual patching, one forward pass per cell.

Method (activation patching, Vig et al. 2020; Meng et al. 2022, here without noise):
1. Run the clean prompt and keep its residual stream at every layer and token.
2. Run the corrupt prompt with one token of one layer replaced by the clean one, and take the metric of the logits at
   the last token. All tokens of a layer are patched in one batch, each in its own row.
3. effect = (patched - corrupt) / (clean - corrupt): 0 no effect, 1 the whole difference.

What it does not know: pairs of different length, and effects that need two places at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.language_model import LanguageModel
from interp.prompts import Prompt
from interp.sites import check_layers, hooked

Metric = Callable[[Float[Tensor, "row vocabulary"]], Float[Tensor, " row"]]


@dataclass(frozen=True, eq=False)
class PatchingMap:
    """`metric[i, j]`: the metric with token j patched after layer `layers[i]`; `clean` and `corrupt` unpatched."""

    metric: Float[Tensor, "layer token"]
    layers: tuple[int, ...]
    clean: float
    corrupt: float

    @property
    def effect(self) -> Float[Tensor, "layer token"]:
        """The share of the difference between clean and corrupt that each cell restores."""
        return (self.metric - self.corrupt) / (self.clean - self.corrupt)


@torch.inference_mode()
def patching_map(
    lm: LanguageModel,
    clean: Prompt,
    corrupt: Prompt,
    metric: Metric,
    *,
    layers: Sequence[int] | None = None,
    batch_rows: int = 128,
) -> PatchingMap:
    """Patch each layer's residual stream at each token from `clean` into `corrupt`."""
    if len(clean) != len(corrupt):
        raise ValueError(
            f"patching pairs tokens by index: the clean prompt has {len(clean)}, "
            f"the corrupt one {len(corrupt)}; choose a pair of equal length"
        )
    chosen = check_layers(lm, range(lm.n_layers) if layers is None else layers)
    streams, clean_value = _run_clean(lm, clean, metric, chosen)
    corrupt_value = float(metric(_last_logits(lm, corrupt, 1))[0])
    rows = [
        _patch_layer(lm, corrupt, metric, layer, streams[layer], batch_rows) for layer in chosen
    ]
    return PatchingMap(torch.stack(rows).cpu(), chosen, clean_value, corrupt_value)


def _run_clean(
    lm: LanguageModel, prompt: Prompt, metric: Metric, layers: tuple[int, ...]
) -> tuple[dict[int, Float[Tensor, "token d_model"]], float]:
    streams: dict[int, Tensor] = {}

    def keep(layer: int) -> Callable[[Tensor], None]:
        return lambda hidden: streams.update({layer: hidden[0].clone()})

    with hooked(lm, {layer: keep(layer) for layer in layers}):
        value = float(metric(_last_logits(lm, prompt, 1))[0])
    return streams, value


def _patch_layer(
    lm: LanguageModel,
    prompt: Prompt,
    metric: Metric,
    layer: int,
    stream: Float[Tensor, "token d_model"],
    batch_rows: int,
) -> Float[Tensor, " token"]:
    """The metric with each token in turn patched, `batch_rows` tokens at a time."""
    values = []
    for tokens in torch.arange(len(prompt), device=stream.device).split(batch_rows):

        def put(hidden: Tensor, tokens: Tensor = tokens) -> Tensor:
            patched = hidden.clone()
            patched[torch.arange(len(tokens)), tokens] = stream[tokens]
            return patched

        with hooked(lm, {layer: put}):
            values.append(metric(_last_logits(lm, prompt, len(tokens))))
    return torch.cat(values)


def _last_logits(lm: LanguageModel, prompt: Prompt, copies: int) -> Float[Tensor, "row vocabulary"]:
    ids = torch.tensor([prompt.token_ids], device=lm.device).expand(copies, -1)
    return lm.causal(input_ids=ids, logits_to_keep=1, use_cache=False).logits[:, -1]
