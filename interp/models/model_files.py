"""Compare a model folder's configuration with its weights before anything is built from it.

A configuration that asks for a billion layers would be built, layer by layer, until memory runs out.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from interp.errors import TriggerLensError
from interp.io.safetensors_header import read_header

SIZES = ("hidden_size", "intermediate_size", "vocab_size", "num_hidden_layers")


def check_files(folder: Path) -> None:
    """ValueError if the configuration asks for more than the files hold; a name on the hub is left to its loader."""
    if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
        return
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
        text = {**config, **(config.get("text_config") or {})}
    except (ValueError, RecursionError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TriggerLensError(
            f"model {str(folder)!r}: {path.name} is not a JSON object ({reason})"
        ) from error
    shapes = [
        shape
        for file in sorted(folder.glob("*.safetensors"))
        for shape in read_header(file).values()
    ]
    _check(text, shapes, path)


def _check(config: Mapping[str, Any], shapes: list[tuple[int, ...]], path: Path) -> None:
    largest = max((size for shape in shapes for size in shape), default=0)
    for name in SIZES:
        value = config.get(name)
        most = len(shapes) if name == "num_hidden_layers" else largest
        if isinstance(value, int) and value > most:
            raise TriggerLensError(
                f"model {str(path.parent)!r}: {path.name} says {name} {value}, but its weights hold no more than"
                f" {most}; download or save it again"
            )


def quantisation(path: str, revision: str | None = None) -> str | None:
    """The name of the method that the configuration says the weights are quantised with, if any."""
    try:
        config, _ = PretrainedConfig.get_config_dict(path, revision=revision)
        text = config.get("text_config") or {}
        how = config.get("quantization_config") or text.get("quantization_config")
    except Exception:  # whatever is wrong with it, the loader reports
        return None
    if not how:
        return None
    bitsandbytes = how.get("load_in_4bit") or how.get("load_in_8bit")
    return how.get("quant_method") or ("bitsandbytes" if bitsandbytes else "an unnamed method")
