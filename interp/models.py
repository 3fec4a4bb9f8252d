"""Load a causal language model, with or without an adapter, and check that it keeps the package's contract."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from interp.contract import check_contract
from interp.language_model import LanguageModel

__all__ = ["LanguageModel", "check_contract", "load_model", "wrap"]


def wrap(model: nn.Module, tokenizer: Any, *, name: str) -> LanguageModel:
    """A model already in memory, put into evaluation mode and checked."""
    lm = LanguageModel(model.eval(), tokenizer, name)
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
) -> LanguageModel:
    """Load weights from a folder or the hub (safetensors only, no remote code), and an adapter folder on top.

    `merge` adds the adapter to the weights: a quarter faster on small models, no longer to be switched off, and refused
    below float32, where it would not be the same model.
    """
    if merge and dtype != torch.float32:
        raise ValueError(
            f"merging in {dtype} changes the model; load in float32 or leave it unmerged"
        )
    options = {"revision": revision, "trust_remote_code": False}
    model = AutoModelForCausalLM.from_pretrained(
        str(path), dtype=dtype, device_map=device_map, use_safetensors=True, **options
    )
    tokenizer = AutoTokenizer.from_pretrained(str(path), **options)
    name = str(path) if adapter is None else f"{path} + {adapter}"
    if adapter is not None:
        model = _attach(model, str(path), Path(adapter))
        if merge:
            model, name = model.merge_and_unload(), f"{name} (merged)"
    return wrap(model, tokenizer, name=name)


def _attach(model: Any, base: str, adapter: Path) -> Any:
    """Put the adapter on, or refuse: PEFT itself only warns when nothing matches, and the base would be analysed."""
    from peft import PeftModel, get_peft_model_state_dict

    trained_on = json.loads((adapter / "adapter_config.json").read_text())[
        "base_model_name_or_path"
    ]
    if trained_on and Path(trained_on).name != Path(base).name:
        raise ValueError(
            f"adapter {adapter} was trained on {trained_on!r}, not on {base!r}; load that base"
        )
    try:
        adapted = PeftModel.from_pretrained(model, str(adapter))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"adapter {adapter} does not fit {base!r}: {error}") from error
    saved = load_file(adapter / "adapter_model.safetensors")
    _check_adapter(get_peft_model_state_dict(adapted), saved, adapter)
    return adapted


def _check_adapter(live: dict[str, Tensor], saved: dict[str, Tensor], adapter: Path) -> None:
    strangers = sorted(live.keys() ^ saved.keys())
    if strangers:
        raise ValueError(
            f"adapter {adapter}: {len(strangers)} weights of file and model do not match, first "
            f"{strangers[0]!r}; was it saved from another architecture or renamed model?"
        )
    for name, tensor in saved.items():
        if not torch.equal(live[name].cpu(), tensor.to(live[name].dtype)):
            raise ValueError(
                f"adapter {adapter}: {name} was not loaded as saved; save the adapter again"
            )
