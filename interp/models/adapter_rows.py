"""Run each row of a batch through its own adapter or none, so that one forward pass compares a model with its base.

PEFT's mixed batches (`adapter_names`, with `__base__` for no adapter) run the base weights once for all rows and each
adapter for its rows only. Merged adapters can no longer be separated from their base and are refused.

`active_adapters` says what a forward pass would run through, because PEFT still lists an adapter that is switched off.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from interp.errors import TriggerLensError
from interp.models.adapter_limits import OFF, ROWS, check_use
from interp.models.language_model import LanguageModel

BASE = "__base__"


@contextmanager
def adapted(lm: LanguageModel, adapters: Sequence[str | None]) -> Iterator[None]:
    """Row i of the next forward pass runs through `adapters[i]`; all None leaves the model as it is."""
    if all(name is None for name in adapters):
        yield
        return
    if any(name is None for name in adapters):
        raise TriggerLensError("some rows name an adapter and some do not; name one for each row")
    check_adapters(lm, [name for name in adapters if name is not None])
    model: Any = lm.model
    with model.base_model._enable_peft_forward_hooks(adapter_names=list(adapters)):
        yield


def check_adapters(lm: LanguageModel, adapters: Sequence[str]) -> None:
    """Raise unless the model carries every one of these adapters, unmerged."""
    known = sorted(getattr(lm.model, "peft_config", {}))
    if not known:
        raise TriggerLensError(
            f"{lm.name} carries no adapter; load it with adapter= and without merge"
        )
    for name in sorted(set(adapters) - {*known, BASE}):
        raise TriggerLensError(
            f"{lm.name} has no adapter {name!r}; it has {', '.join([BASE, *known])}"
        )
    if _switched_off(lm.model):
        raise TriggerLensError(
            f"the adapters of {lm.name} are switched off, so every row would be the base's; "
            "leave disable_adapter() first"
        )
    check_use(lm.model, ROWS, lm.name)


def active_adapters(lm: LanguageModel) -> tuple[str, ...]:
    """The adapters that the next forward pass runs through, none inside `disable_adapter()`.

    A scaled adapter (`interp.models.adapter_dose`) is listed with its dose: "default x 0.5". ValueError if an adapter
    is switched off and what is left is not the base.
    """
    model: Any = lm.model
    if not getattr(model, "peft_config", None):
        return ()
    if _switched_off(model):
        check_use(model, OFF, lm.name)
        return ()
    doses = {name: _dose(model, name) for name in model.active_adapters}
    return tuple(name if dose == 1 else f"{name} x {dose:g}" for name, dose in doses.items())


def adapter_named(carried: Collection[str], active: Sequence[str]) -> str | None:
    """One name for what was active: None for a model that carries no adapter, BASE if none was switched on."""
    return (" + ".join(active) or BASE) if carried else None


def _switched_off(model: Any) -> bool:
    layers = [each for each in model.modules() if hasattr(each, "disable_adapters")]
    off = bool(layers) and all(each.disable_adapters for each in layers)
    return off or bool(getattr(model, "_adapters_disabled", False))


def _dose(model: Any, name: str) -> float:
    """The factor by which a LoRA is scaled beyond its own alpha and rank; 1 for other adapters."""
    for layer in model.modules():
        if name in getattr(layer, "lora_alpha", ()):
            rank = layer.r[name]
            own = layer.lora_alpha[name] / (
                math.sqrt(rank) if model.peft_config[name].use_rslora else rank
            )
            return float(f"{layer.scaling[name] / own:.6g}")
    return 1.0
