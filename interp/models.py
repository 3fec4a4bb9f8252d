"""Load a causal language model, with or without an adapter, and check that it keeps the package's contract.

A name on the hub or a folder; safetensors only; no code from the hub unless asked for. What transformers would replace
by random weights with a warning, and what does not fit on the devices, is refused.
"""

import re
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.constants import HF_HUB_OFFLINE
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from interp.adapters import attach, merged, one_line
from interp.asked import check_device
from interp.chat import ChatFormat
from interp.contract import check_contract
from interp.language_model import LanguageModel
from interp.model_files import check_files

HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
SPREADS = {"auto", "balanced", "balanced_low_0", "sequential", "disk"}  # chosen while loading

__all__ = ["LanguageModel", "check_contract", "load_model", "wrap"]


def wrap(
    model: nn.Module,
    tokenizer: Any,
    *,
    name: str,
    chat: ChatFormat = ChatFormat(),  # noqa: B008
) -> LanguageModel:
    """A model already in memory, put into evaluation mode and checked."""
    lm = LanguageModel(model.eval(), tokenizer, name, chat)
    check_contract(lm)
    return lm


def load_model(
    path: str | Path,
    *,
    adapter: str | Path | None = None,
    merge: bool = False,
    dtype: torch.dtype = torch.float32,
    device_map: str | dict[str, Any] | None = None,
    revision: str | None = None,
    adapter_revision: str | None = None,
    base_name: str | None = None,
    trust_remote_code: bool = False,
    chat: ChatFormat = ChatFormat(),  # noqa: B008
) -> LanguageModel:
    """Load weights from a folder or the hub, and an adapter on top.

    `merge` adds the adapter to the weights: a quarter faster on small models, no longer to be switched off, and refused
    below float32, where it would not be the same model. `device_map="auto"` shards over the GPUs at hand.
    `base_name`: see `interp.adapters.attach`. `chat`: the pinned chat format, such as `interp.chat.FORMATS["qwen"]`.
    Anything that cannot be loaded exactly is a ValueError of one line.
    """
    if merge and dtype != torch.float32:
        raise ValueError(
            f"merging in {dtype} changes the model; load in float32 or leave it unmerged"
        )
    options = {"revision": revision, "trust_remote_code": trust_remote_code}
    model = _weights(str(path), dtype=dtype, device_map=device_map, **options)
    tokenizer = _tokenizer(str(path), **options)
    name = str(path) if revision is None else f"{path}@{revision}"
    if adapter is not None:
        name = f"{name} + {adapter}"
        model = attach(model, str(path), adapter, revision=adapter_revision, base_name=base_name)
        if merge:
            model, name = merged(model, name), f"{name} (merged)"
    return wrap(model, tokenizer, name=name, chat=chat)


def _weights(path: str, **options: Any) -> Any:
    _check_source(path)
    _check_devices(options["device_map"])
    pickled = sorted(file.name for file in Path(path).glob("*.bin"))
    if pickled and not list(Path(path).glob("*.safetensors")):
        raise ValueError(
            f"model {path!r}: only pickled weights ({pickled[0]}), which are not loaded; save it as safetensors"
        )
    check_files(Path(path))
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            path, use_safetensors=True, output_loading_info=True, **options
        )
    except Exception as error:  # whatever a configuration of the wrong types sets off
        raise ValueError(_cannot_load(path, error)) from error
    for kind in ("missing_keys", "mismatched_keys"):
        if report[kind]:
            first = sorted(map(str, report[kind]))[0]
            raise ValueError(
                f"model {path!r}: {len(report[kind])} weights of the architecture are not in its files as they should"
                f" be ({kind.replace('_', ' ')}), first {first}; it would run on random ones"
            )
    left = [name for name, weight in model.named_parameters() if weight.is_meta]
    if left:
        raise ValueError(
            f"model {path!r}: {len(left)} weights do not fit on the devices, first {left[0]}; use more GPUs, or"
            " a smaller dtype"
        )
    return model


def _tokenizer(path: str, **options: Any) -> Any:
    try:
        return AutoTokenizer.from_pretrained(path, **options)
    except Exception as error:
        raise ValueError(_cannot_load(path, error)) from error


def _check_source(path: str) -> None:
    """Raise where there is neither a folder nor anything that could be a name on the hub."""
    if Path(path).is_file():
        raise ValueError(f"model {path!r} is a file; give the folder that it is in")
    if not Path(path).is_dir() and not HUB_NAME.fullmatch(path):
        raise ValueError(f"model {path!r}: no such folder, and no name on the hub (OWNER/NAME)")


def _check_devices(device_map: Any) -> None:
    """Raise where a device is named that this machine does not have."""
    named = device_map.values() if isinstance(device_map, dict) else [device_map]
    for device in {each for each in named if each is not None} - SPREADS:
        check_device("device_map", device)


def _cannot_load(path: str, error: Exception) -> str:
    if not Path(path).is_dir() and HF_HUB_OFFLINE:
        return (
            f"model {path!r}: neither a folder nor in the hub's cache, and the hub may not be asked; "
            "give a folder, or set HF_HUB_OFFLINE=0"
        )
    return f"model {path!r} cannot be loaded: {one_line(error)} (a folder, or a name on the hub with HF_HUB_OFFLINE=0)"
