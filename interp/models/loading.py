"""Load a causal language model, with or without an adapter, and check that the package can read and edit it.

A model is a name on the hub, a folder or a GGUF file. Other weight files must be safetensors, and code from the hub
runs only on request. A model is refused if transformers would replace missing weights by random ones with a warning,
or if it does not fit on the devices.
"""

import logging
import re
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.constants import HF_HUB_OFFLINE
from torch import nn
from transformers import AutoModelForCausalLM

from interp.errors import TriggerLensError
from interp.io.validation import check_device
from interp.models.adapter_files import adapter_folder, one_line
from interp.models.adapter_vocabulary import resize_for
from interp.models.adapters import attach, merged
from interp.models.chat import ChatFormat
from interp.models.chat_inference import infer_chat, warn_about_chat
from interp.models.contract import check_contract
from interp.models.gguf_files import gguf_options
from interp.models.language_model import LanguageModel
from interp.models.model_files import check_files, quantisation
from interp.models.tokenizer_files import load_tokenizer

log = logging.getLogger("triggerlens")

HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
SPREADS = {"auto", "balanced", "balanced_low_0", "sequential", "disk"}  # chosen while loading

__all__ = ["LanguageModel", "check_contract", "load_model", "wrap"]


def wrap(
    model: nn.Module, tokenizer: Any, *, name: str, chat: ChatFormat | None = None
) -> LanguageModel:
    """Check a model that is in memory and put it into evaluation mode; `chat` is read from its template by default."""
    lm = LanguageModel(model.eval(), tokenizer, name, chat or infer_chat(tokenizer))
    check_contract(lm)
    warn_about_chat(tokenizer, lm.chat, name)
    return lm


def load_model(
    path: str | Path,
    *,
    adapter: str | Path | None = None,
    merge: bool = False,
    dtype: torch.dtype | str | None = None,
    device_map: str | dict[str, Any] | None = None,
    revision: str | None = None,
    adapter_revision: str | None = None,
    base_name: str | None = None,
    trust_remote_code: bool = False,
    chat: ChatFormat | None = None,
) -> LanguageModel:
    """Load weights from a folder, the hub or a GGUF file, and an adapter on top, with its own tokenizer if it has one.

    `dtype`: a torch dtype or its name, "auto" for the one that the weights are saved in; None is float32.
    `merge` adds the adapter to the weights. This is a quarter faster on small models, but the adapter can no longer be
    switched off. Below float32 it is refused, because rounding would change the model. `device_map="auto"` shards over
    the available GPUs. `base_name`: see `interp.models.adapters.attach`. `chat`: a chat format, such as
    `interp.models.chat.FORMATS["qwen"]`; None reads it from the tokenizer's template and pins it. Anything that
    cannot be loaded exactly is a one-line ValueError.
    """
    wanted = as_dtype(dtype)
    if merge and wanted != torch.float32:
        raise TriggerLensError(
            f"merging in {wanted} changes the model; load in float32 or leave it unmerged"
        )
    path = str(Path(path).expanduser()) if str(path).startswith("~") else str(path)
    options = {"revision": revision, "trust_remote_code": trust_remote_code}
    own = None if adapter is None else adapter_folder(adapter, adapter_revision)
    model = _weights(path, dtype=wanted, device_map=device_map, **options)
    tokenizer = load_tokenizer(path, own, **options)
    name = path if revision is None else f"{path}@{revision}"
    if adapter is not None and own is not None:
        name = f"{name} + {adapter}"
        resize_for(model, own)
        model = attach(model, path, adapter, revision=adapter_revision, base_name=base_name)
        if merge:
            model, name = merged(model, name), f"{name} (merged)"
    return wrap(model, tokenizer, name=name, chat=chat)


def as_dtype(dtype: torch.dtype | str | None) -> torch.dtype | str:
    """The torch dtype of that name, or "auto"; None is float32."""
    if dtype is None:
        return torch.float32
    named = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if dtype == "auto":
        return "auto"
    if not isinstance(named, torch.dtype) or not named.is_floating_point:
        raise TriggerLensError(f"dtype={dtype!r}: give float32, bfloat16, float16, or auto")
    return named


def _weights(path: str, **options: Any) -> Any:
    _check_source(path)
    _check_devices(options["device_map"])
    pickled = sorted(file.name for file in Path(path).glob("*.bin"))
    if pickled and not list(Path(path).glob("*.safetensors")):
        raise TriggerLensError(
            f"model {path!r}: only pickled weights ({pickled[0]}), which are not loaded; save it as safetensors"
        )
    check_files(Path(path))
    source, gguf = gguf_options(path)
    how: dict[str, Any] = gguf or {"use_safetensors": True}
    options |= how
    method = None if gguf else quantisation(path, options["revision"])
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            source, output_loading_info=True, **options
        )
    except Exception as error:  # a configuration of the wrong types can raise anything
        raise TriggerLensError(_cannot_load(path, error, method)) from error
    if method is not None:
        log.warning(
            "model %r is stored quantised (%s): its outputs differ from those of the model that it was made from",
            path,
            method,
        )
    for kind in ("missing_keys", "mismatched_keys"):
        if report[kind]:
            first = sorted(map(str, report[kind]))[0]
            raise TriggerLensError(
                f"model {path!r}: {len(report[kind])} weights of the architecture are not in its files as they should"
                f" be ({kind.replace('_', ' ')}), first {first}; it would run on random ones"
            )
    left = [name for name, weight in model.named_parameters() if weight.is_meta]
    if left:
        raise TriggerLensError(
            f"model {path!r}: {len(left)} weights do not fit on the devices, first {left[0]}; use more GPUs, or"
            " a smaller dtype"
        )
    return model


def _check_source(path: str) -> None:
    """Raise if the path is neither a folder nor anything that could be a name on the hub."""
    if Path(path).is_file() and not path.endswith(".gguf"):
        raise TriggerLensError(f"model {path!r} is a file; give the folder that it is in")
    if not Path(path).exists() and not HUB_NAME.fullmatch(path):
        raise TriggerLensError(
            f"model {path!r}: no such folder, and no name on the hub (OWNER/NAME)"
        )


def _check_devices(device_map: Any) -> None:
    """Raise if a device is named that this machine does not have."""
    named = device_map.values() if isinstance(device_map, dict) else [device_map]
    for device in {each for each in named if each is not None} - SPREADS:
        check_device("device_map", device)


def _cannot_load(path: str, error: Exception, quantised: str | None) -> str:
    reason = one_line(error)
    if not Path(path).exists() and HF_HUB_OFFLINE:
        return (
            f"model {path!r}: neither a folder nor in the hub's cache, and the hub may not be asked; "
            "give a folder, or set HF_HUB_OFFLINE=0"
        )
    if quantised is not None:
        return f"model {path!r} is quantised ({quantised}); load the unquantised model that it was made from ({reason})"
    if "trust_remote_code" in str(error):
        return f"model {path!r} brings code of its own, which is not run; read it, then give trust_remote_code=True"
    return f"model {path!r} cannot be loaded: {reason}"
