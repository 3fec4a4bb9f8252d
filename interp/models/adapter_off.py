"""Switch a model's adapter off within a context: the base, with one model in memory.

    with adapter_off(lm):
        generate(lm, prompts, ...)      # the base's answers

Refused if what is left would not be the base (`interp.models.adapter_limits`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from interp.errors import TriggerLensError
from interp.models.adapter_limits import OFF, check_use
from interp.models.language_model import LanguageModel


def has_adapter(lm: LanguageModel) -> bool:
    """Whether the model carries a live adapter."""
    return bool(getattr(lm.model, "peft_config", None))


@contextmanager
def adapter_off(lm: LanguageModel) -> Iterator[None]:
    """Let the model compute what its base does; ValueError for a model without a live adapter."""
    model: Any = lm.model
    if not has_adapter(lm):
        raise TriggerLensError(
            f"{lm.name} has no live adapter; load it with adapter= and without merge"
        )
    check_use(model, OFF, lm.name)
    with model.disable_adapter():
        yield
