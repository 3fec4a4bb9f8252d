"""Wrap a loaded model, with its weights and live adapter, for TransformerLens (3.9), or capture through it.

TransformerLens edits the model it is given in place (renamed modules, hooks), so it is given a copy. It reads the
tokenizer from a folder, so the tokenizer is written to a temporary one. Pass it an `attention_mask` if a batch is
padded on the left: without one its logits are silently wrong. As a backend of `interp.capture.api`, which pads on
the right: `capture(lm, prompts, backend=transformer_lens_backend)`. Our interventions do not reach the copy.

For models with a vision tower, TransformerLens runs `pip install torchvision` if that is missing. This is blocked: only
the text decoder is read, and nothing should change the user's environment.
"""

import copy
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jaxtyping import Int
from torch import Tensor

from interp.capture.backends import Enough, Forward, Read, until_enough
from interp.capture.hook_points import HookPoint
from interp.models.language_model import LanguageModel

HOOK_NAMES = {"resid_post": "hook_out", "attn_out": "hook_attn_out", "mlp_out": "hook_mlp_out"}


def to_transformer_lens(lm: LanguageModel) -> Any:
    """A `TransformerBridge` that computes what the model computes; `blocks.L.hook_out` is our layer L."""
    from transformer_lens.model_bridge import TransformerBridge

    with tempfile.TemporaryDirectory() as folder:
        lm.tokenizer.save_pretrained(folder)
        model = copy.deepcopy(lm.causal)
        model.config.architectures = [type(model).__name__]  # absent in a model never saved
        model.config.save_pretrained(folder)
        tokenizer = type(lm.tokenizer).from_pretrained(folder)
        with installing_nothing():
            return TransformerBridge.boot_transformers(
                folder, hf_model=model, tokenizer=tokenizer, device=str(lm.device)
            )


@contextmanager
def installing_nothing() -> Iterator[None]:
    """Keep libraries from installing packages in the body: there, a command with the word `install` is an error."""
    before = {name: getattr(subprocess, name) for name in ("run", "call", "check_call", "Popen")}
    for name, start in before.items():
        setattr(subprocess, name, _unless_installing(start))
    try:
        yield
    finally:
        for name, start in before.items():
            setattr(subprocess, name, start)


def _unless_installing(start: Callable[..., Any]) -> Callable[..., Any]:
    def started(command: Any, *args: Any, **named: Any) -> Any:
        words = command.split() if isinstance(command, str) else [str(word) for word in command]
        if "install" in words:
            raise RuntimeError(f"not installed, install it yourself: {' '.join(words)}")
        return start(command, *args, **named)

    return started


def transformer_lens_backend(lm: LanguageModel) -> Forward:
    """Read through a `TransformerBridge`, made once; stops after the last place."""
    bridge = to_transformer_lens(lm)

    def forward(ids: Int[Tensor, "row token"], places: Collection[HookPoint], read: Read) -> None:
        read = until_enough(places, read)
        hooks = [
            (f"blocks.{place.layer}.{HOOK_NAMES[place.site]}", _hook(place, read))
            for place in places
        ]
        with suppress(Enough):
            bridge.run_with_hooks(ids, fwd_hooks=hooks, return_type=None)

    return forward


def _hook(place: HookPoint, read: Read) -> Callable[..., None]:
    return lambda hidden, hook: read(place, hidden)
