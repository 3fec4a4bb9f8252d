"""Hooks at residual sites, in a context that restores the model.

A site is the residual stream after decoder layer `layer` (0-based): what that layer returns, before any final norm.
In transformers 5 a layer returns a tensor; before that, it returned a tuple whose first item is the tensor. Both are
supported.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from numbers import Integral
from typing import Any

from torch import Tensor, nn

from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

Edit = Callable[[Tensor], Tensor | None]


@contextmanager
def hooked(lm: LanguageModel, edits: Mapping[int, Edit]) -> Iterator[None]:
    """Call `edits[layer]` on each layer's output [row, token, d_model]; None leaves the output alone."""
    layers = check_layers(lm, edits)
    with hooked_modules({lm.layers[layer]: edits[layer] for layer in layers}):
        yield


@contextmanager
def hooked_modules(edits: Mapping[nn.Module, Edit]) -> Iterator[None]:
    """The same for the outputs of any modules."""
    with ExitStack() as stack:
        for module, edit in edits.items():
            stack.callback(module.register_forward_hook(_hook(edit)).remove)
        yield


def check_layers(lm: LanguageModel, layers: Any) -> tuple[int, ...]:
    """The layers in order, or an error that names a layer which the model does not have."""
    if isinstance(layers, str | Integral | float):
        raise TriggerLensError(f"layers={layers!r}: give a list of layers, such as [{layers}]")
    for layer in layers:
        if isinstance(layer, bool) or not isinstance(layer, Integral):
            raise TriggerLensError(f"layers: {layer!r} is not a layer; give whole numbers from 0")
        if not 0 <= int(layer) < lm.n_layers:
            raise TriggerLensError(
                f"{lm.name} has no layer {layer}; its layers are 0 to {lm.n_layers - 1}"
            )
    return tuple(sorted(layers))


def _hook(edit: Edit) -> Callable[[nn.Module, Any, Any], Any]:
    def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        hidden = output if isinstance(output, Tensor) else output[0]
        edited = edit(hidden)
        if edited is None or isinstance(output, Tensor):
            return edited
        return (edited, *output[1:])

    return hook
