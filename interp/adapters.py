"""Put a LoRA adapter on its base, or refuse.

PEFT only warns when nothing of an adapter matches, and the base would be analysed in its name. So an adapter must name
this base, hold safetensors, fit its shapes, and be found in the model exactly as it was saved.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from interp.adapter_config import ranks, read_adapter_config
from interp.safetensors_header import read_header

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
TEXTS = ("*.json", "*.jinja", "tokenizer.model")  # configurations and the tokenizer


def attach(
    model: Any,
    base: str,
    adapter: str | Path,
    *,
    revision: str | None = None,
    base_name: str | None = None,
) -> Any:
    """The model with the adapter on; `base_name` is what the adapter calls its base where the path does not say so."""
    from peft import PeftConfig, PeftModel, get_peft_model_state_dict

    folder = check_base(base, adapter, revision=revision, base_name=base_name)
    shapes = read_header(folder / WEIGHTS)
    _check_ranks(shapes, folder)
    try:
        config = PeftConfig.from_pretrained(str(folder))
        if isinstance(config.target_modules, str):  # a pattern: which modules, the weights say
            config.target_modules = _modules(shapes)
        config.exclude_modules = None
        adapted = PeftModel.from_pretrained(model, str(folder), config=config)
        saved = load_file(folder / WEIGHTS)
    except (RuntimeError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ValueError(f"adapter {adapter} does not fit {base!r}: {one_line(error)}") from error
    _check(get_peft_model_state_dict(adapted), saved, adapter)
    return adapted


def check_base(
    base: str, adapter: str | Path, *, revision: str | None = None, base_name: str | None = None
) -> Path:
    """The adapter's folder; ValueError if it names another base or holds no safetensors. No weights are read."""
    folder = adapter_folder(adapter, revision)
    trained_on = read_adapter_config(folder / CONFIG).get("base_model_name_or_path")
    if trained_on and _last(trained_on) not in {_last(base), _last(base_name or base)}:
        raise ValueError(
            f"adapter {adapter} was trained on {trained_on!r}, not on {base!r}; load that base, or give"
            f" base_name={trained_on!r} if it is the same model under another name"
        )
    return folder


def _check_ranks(shapes: Mapping[str, tuple[int, ...]], folder: Path) -> None:
    """A rank that no weight of the file has would set memory aside for nothing."""
    held = {size for name, shape in shapes.items() if "lora_" in name for size in shape}
    wanted = max(ranks(read_adapter_config(folder / CONFIG)))
    if wanted > max(held, default=0):
        raise ValueError(
            f"adapter {folder}: its {CONFIG} asks for rank {wanted}, which no weight of {WEIGHTS} has"
        )


def _modules(shapes: Mapping[str, tuple[int, ...]]) -> set[str]:
    """The modules that the weights' names belong to."""
    return {
        name.removeprefix("base_model.model.").split(".lora_")[0]
        for name in shapes
        if ".lora_" in name
    }


def adapter_folder(adapter: str | Path, revision: str | None = None) -> Path:
    """The folder of a local adapter, or of one on the hub once downloaded; pickled weights are refused."""
    folder = Path(adapter)
    if not folder.is_dir():
        folder = _download(str(adapter), revision)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
            raise ValueError(
                f"adapter {adapter}: no {name}, only {found}; pickled weights are not loaded, save it as safetensors"
            )
    return folder


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ValueError(f"adapter {name!r}: no such folder, and no name on the hub (OWNER/NAME)")
    try:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=["*.json", "*.jinja", "tokenizer.model", WEIGHTS],
            )
        )
    except Exception as error:
        raise ValueError(
            f"adapter {name!r}: neither a folder nor in the hub's cache, and the hub was not reached"
            f" ({one_line(error)}); give a folder, or set HF_HUB_OFFLINE=0"
        ) from error


def _last(name: str) -> str:
    """The name of a model, without its owner or the folders above; a hub cache's folder says its model's name."""
    cached = re.search(r"models--(.+?)/snapshots/", f"{name}/")
    return (cached[1].split("--")[-1] if cached else Path(name).name).lower()


def one_line(error: BaseException) -> str:
    """The first 300 characters of a message, in one line."""
    return " ".join(str(error).split())[:300]


def _check(live: dict[str, Tensor], saved: dict[str, Tensor], adapter: str | Path) -> None:
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
