"""Wrap a loaded model for nnsight (0.8), which traces it in place and does not change it, or capture through nnsight.

In a trace, access modules in the order in which they run. `.model.layers[L].output` is our layer L if the text decoder
is `.model`. As a backend of `interp.capture.api`:

    capture(lm, prompts, backend=nnsight_backend)
    capture(lm, prompts, backend=partial(nnsight_backend, remote=True))    on NDIF; the model's name must be a Hub name
    capture(lm, prompts, backend=partial(nnsight_backend, remote="local"))    serialised as for NDIF, run here

Remote runs execute the weights that the Hub has under that name, without a live adapter and without interventions.
"""

import copy
from collections.abc import Collection
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from interp.capture.backends import Forward, Read
from interp.capture.hook_points import HookPoint, first_tensor, module_at
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel


def to_nnsight(lm: LanguageModel) -> Any:
    """An nnsight model around the same weights, live adapter included; it also accepts text."""
    from nnsight import TransformersModel

    tokenizer = copy.deepcopy(lm.tokenizer)  # nnsight moves its padding to the left
    return TransformersModel(lm.causal, tokenizer=tokenizer, task="text-generation")


def nnsight_backend(lm: LanguageModel, *, remote: bool | str = False) -> Forward:
    """Read through nnsight; `remote` is passed to its `trace`."""
    if remote and remote != "local" and hasattr(lm.model, "peft_config"):
        raise TriggerLensError(
            f"{lm.name}: a remote run would read the base without its adapter; merge and publish it"
        )
    traced = to_nnsight(lm)
    traced.repo_id = getattr(lm.causal.config, "_name_or_path", "") or lm.name
    paths = {module: path for path, module in lm.causal.named_modules()}

    def forward(ids: Int[Tensor, "row token"], places: Collection[HookPoint], read: Read) -> None:
        ordered = sorted(places)  # as they run: by layer, then attn_out, mlp_out, resid_post
        envoys = [traced.get(paths[module_at(lm, place)]) for place in ordered]
        for place, output in zip(ordered, _outputs(traced, envoys, ids, remote), strict=True):
            read(place, first_tensor(output))

    return forward


def _outputs(
    traced: Any, envoys: list[Any], ids: Int[Tensor, "row token"], remote: bool | str
) -> list[Any]:
    """What each module returns; the pass stops after the last of them."""
    from nnsight import save

    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with traced.trace(inputs, remote=remote, use_cache=False) as tracer:
        outputs = save([])
        for envoy in envoys:
            outputs.append(envoy.output)
        tracer.stop()
    return outputs
