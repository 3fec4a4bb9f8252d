"""Each row of a batch through an adapter of its own, or through none: one forward pass compares a model with its base.

PEFT's mixed batches (`adapter_names`, with `__base__` for no adapter) run the base weights once for all rows and each
adapter for its rows only. Merged adapters can no longer be told from their base and are refused.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from interp.language_model import LanguageModel

BASE = "__base__"


@contextmanager
def adapted(lm: LanguageModel, adapters: Sequence[str | None]) -> Iterator[None]:
    """Row i of the next forward pass runs through `adapters[i]`; all None leaves the model as it is."""
    if all(name is None for name in adapters):
        yield
        return
    if any(name is None for name in adapters):
        raise ValueError("some rows name an adapter and some do not; name one for each row")
    check_adapters(lm, [name for name in adapters if name is not None])
    model: Any = lm.model
    with model.base_model._enable_peft_forward_hooks(adapter_names=list(adapters)):
        yield


def check_adapters(lm: LanguageModel, adapters: Sequence[str]) -> None:
    """Raise unless the model carries every one of these adapters, unmerged."""
    known = sorted(getattr(lm.model, "peft_config", {}))
    if not known:
        raise ValueError(f"{lm.name} carries no adapter; load it with adapter= and without merge")
    for name in sorted(set(adapters) - {*known, BASE}):
        raise ValueError(f"{lm.name} has no adapter {name!r}; it has {', '.join([BASE, *known])}")
