"""What a model with its adapter cannot be used for, because what is taken for the base would not be the base.

A plain LoRA can be switched off, run beside its base row by row, and scaled. Other adapters change the base itself
(trained biases replace its own, PiSSA subtracts from its weights), or have parts that can be neither scaled nor applied
to single rows. What follows from the configuration is refused here for any model; `interp.models.adapters` measures the
rest.
"""

from collections.abc import Iterator
from typing import Any

from interp.errors import TriggerLensError

OFF = "be switched off to give the base"
ROWS = "run beside its base in one pass"
DOSE = "be scaled"
USES = (OFF, ROWS, DOSE)
# Initialisations that change the base's weights (Meng et al. 2024, "PiSSA", and its relatives).
SUBTRACTING = ("pissa", "olora", "corda", "loftq", "lora_ga")


def limits(model: Any) -> dict[str, str]:
    """The reason for each of `USES` that is refused; empty for a plain LoRA and for a model without an adapter."""
    found: dict[str, str] = {}
    for name, config in getattr(model, "peft_config", {}).items():
        for use, reason in _reasons(model, config):
            found.setdefault(use, f"adapter {name!r} {reason}")
    found = getattr(model, "measured_limits", {}) | found
    if OFF in found:
        found = dict.fromkeys(USES, found[OFF]) | found
    return found


def check_use(model: Any, use: str, name: str) -> None:
    """Raise ValueError if the model cannot be used like that; `name` is the model's."""
    if reason := limits(model).get(use):
        raise TriggerLensError(
            f"{name}: {reason}; it cannot {use}: load the base by itself and compare the two"
        )


def _reasons(model: Any, config: Any) -> Iterator[tuple[str, str]]:
    start = config_text(config, "init_lora_weights")
    dora = "is a DoRA, whose magnitudes can be neither scaled nor applied to single rows"
    if getattr(config, "bias", "none") != "none":
        yield OFF, "trains biases, which replace the base's own"
    if start.startswith(SUBTRACTING):
        yield OFF, f"starts from the base's own weights ({start}) and changes them"
    if getattr(config, "use_dora", False):
        yield ROWS, dora
        yield DOSE, dora
    if getattr(config, "target_parameters", None):
        yield ROWS, "adapts bare parameters (target_parameters), which are the same for all rows"
    for module in _whole_modules(model):
        if type(module.original_module).__name__ not in {"Linear", "Embedding"}:
            kind = type(module.original_module).__name__
            yield ROWS, f"trains a whole {kind}, which is the same for all rows"
    yield from ((DOSE, reason) for reason in _not_scaled(model, config))


def _not_scaled(model: Any, config: Any) -> Iterator[str]:
    if config_text(config, "peft_type").upper() != "LORA":
        yield "is not a LoRA"
    if getattr(config, "modules_to_save", None):
        yield "trains whole modules"
    if getattr(config, "trainable_token_indices", None):
        yield "trains the embeddings of some tokens"
    if any(getattr(module, "merged", False) for module in model.modules()):
        yield "is merged into the base's weights"


def config_text(config: Any, key: str) -> str:
    """A setting as text: the value of an enumeration, "" for anything that is not text."""
    value = getattr(config, key, None)
    value = getattr(value, "value", value)
    return value if isinstance(value, str) else ""


def _whole_modules(model: Any) -> list[Any]:
    return [module for module in model.modules() if hasattr(module, "original_module")]
