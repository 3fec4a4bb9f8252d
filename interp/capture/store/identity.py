"""What determines a store's rows, as hashes: weights, adapters, revision, chat template, code, and what is read where.

The live weights are hashed each time, because an adapter trained further under the same name is another model.
"""

import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from interp.capture.positions import Each, Position
from interp.io.tensors import hash_tensors
from interp.models.adapter_rows import active_adapters
from interp.models.language_model import LanguageModel

# The modules that determine the numbers in a row; the store's own modules do not.
CODE = ("interp.capture.engine", "interp.capture.backends", "interp.capture.sequences")
NOT_COMPARED = (
    "model",
    "loaded",
)  # a name, and a hash that the hashes of weights and adapters already cover

BOOKKEEPING = {
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
    "use_cache",
    "_name_or_path",
}


def identity_of(lm: LanguageModel) -> dict[str, Any]:
    """The model's part of a cache key: what must be equal for its rows to be equal."""
    model: Any = lm.model
    adapters = {
        name: config.to_dict() for name, config in getattr(model, "peft_config", {}).items()
    }
    state = lm.model.state_dict()
    weights = _by_adapter(state, adapters)
    base = hash_tensors(weights[None])
    return {
        "model": lm.name,
        "loaded": hash_tensors(state) if adapters else base,  # as `LanguageModel.weights_hash`
        "weights": base,
        "configuration": hash_json(_configuration(lm)),
        "adapters": {
            name: hash_json([hash_tensors(weights[name]), config])
            for name, config in adapters.items()
        },
        "active": list(active_adapters(lm)),
        "revision": getattr(lm.causal.config, "_commit_hash", None),
        "chat_template": hash_json(lm.tokenizer.chat_template),
    }


def cache_key(identity: Mapping[str, Any]) -> str:
    """32 hexadecimal digits for everything in an identity that is compared."""
    return hash_json({k: v for k, v in identity.items() if k not in NOT_COMPARED})[:32]


def hash_json(value: Any) -> str:
    """SHA-256 of a value as JSON; sets are sorted, and types that JSON lacks are converted to text."""
    text = json.dumps(
        value,
        sort_keys=True,
        default=lambda other: sorted(other) if isinstance(other, set) else str(other),
    )
    return hashlib.sha256(text.encode()).hexdigest()


def position_hash(position: Position) -> str:
    """A hash of a position's source code and the values it closes over."""
    if isinstance(position, Each):
        return hash_json(["each", position_hash(position.position)])
    inner = inspect.unwrap(position)
    try:
        source = inspect.getsource(inner)
    except (OSError, TypeError):
        source = repr(inner)
    cells = [repr(cell.cell_contents) for cell in getattr(inner, "__closure__", None) or ()]
    return hash_json([source, cells])


def _by_adapter(
    state: Mapping[str, Tensor], adapters: Iterable[str]
) -> dict[str | None, dict[str, Tensor]]:
    """Weights by adapter; the base's (None) under the names they have without adapters."""
    found: dict[str | None, dict[str, Tensor]] = {None: {}, **{name: {} for name in adapters}}
    for name, tensor in state.items():
        owner = next((each for each in found if each and each in name.split(".")), None)
        plain = name.removeprefix("base_model.model.").replace(".base_layer.", ".")
        found[owner][name if owner else plain] = tensor
    return found


def _configuration(lm: LanguageModel) -> dict[str, Any]:
    """The part of the configuration that affects the numbers; the rest is what saving a model adds to it."""
    return {
        name: value for name, value in lm.config.to_diff_dict().items() if name not in BOOKKEEPING
    }
