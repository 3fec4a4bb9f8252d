"""Vectors by layer from files of other libraries: safetensors, NPZ, GGUF, JSON of vllm-lens; never pickles."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from interp.errors import TriggerLensError
from interp.export.gguf_vectors import OURS
from interp.export.vllm_lens import read_vllm_lens
from interp.models.adapters import one_line

PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")
Facts = dict[str, str]


def read_vectors(path: Path) -> tuple[dict[int, Tensor], Facts]:
    """The vectors in float32 by layer, lowest first, and the metadata; ValueError in one line for anything else."""
    if not path.is_file():
        raise TriggerLensError(f"no steering vector {path}: no such file; check the path")
    if path.suffix in PICKLES:
        raise TriggerLensError(
            f"{path} is a pickle, which is not loaded: read persona vectors with import_persona, open others with "
            "torch.load(path, weights_only=True) where you know what their rows mean, and give one vector to Add"
        )
    read = READERS.get(path.suffix)
    if read is None:
        raise TriggerLensError(
            f"{path}: {path.suffix or 'no ending'} is not read; give {', '.join(READERS)} with tensors direction.LAYER"
        )
    try:
        tensors, facts = read(path)
    except TriggerLensError as error:
        raise TriggerLensError(f"{path}: {error}") from error
    except Exception as error:  # for a damaged file, the library can raise anything
        raise TriggerLensError(
            f"{path} is damaged or not a {path.suffix} file ({one_line(error)}); download it again"
        ) from error
    return _by_layer(path, tensors), facts


def _by_layer(path: Path, tensors: Mapping[str, Tensor]) -> dict[int, Tensor]:
    strangers = [name for name in tensors if not re.fullmatch(r"direction\.\d+", name)]
    if strangers or not tensors:
        raise TriggerLensError(
            f"{path} is not an exported steering vector: it holds {strangers[0] if strangers else 'nothing'!r}; name"
            " its tensors direction.LAYER, where layer 0 is the first decoder layer"
        )
    vectors = {int(name.split(".")[1]): tensor.float() for name, tensor in tensors.items()}
    for layer, vector in vectors.items():
        if vector.ndim != 1 or not bool(vector.isfinite().all()):
            raise TriggerLensError(
                f"{path}: direction.{layer} has shape {list(vector.shape)} or numbers that are not finite; give one "
                "finite vector [d_model]"
            )
    if len({len(vector) for vector in vectors.values()}) > 1:
        raise TriggerLensError(f"{path}: its vectors differ in width; give vectors of one model")
    return dict(sorted(vectors.items()))


def _safetensors(path: Path) -> tuple[dict[str, Tensor], Facts]:
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}


def _npz(path: Path) -> tuple[dict[str, Tensor], Facts]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}, {}


def _gguf(path: Path) -> tuple[dict[str, Tensor], Facts]:
    from gguf import GGUFReader, dequantize

    reader = GGUFReader(path)
    hint: Any = reader.get_field("controlvector.model_hint")
    ours: Any = reader.get_field(OURS)
    facts = {} if hint is None else {"model_type": str(hint.contents())}
    facts |= {} if ours is None else {"directions": str(ours.contents())}
    tensors = {
        tensor.name: torch.tensor(dequantize(tensor.data, tensor.tensor_type))
        if tensor.name.startswith("direction.")  # others are named and refused, unread
        else torch.empty(0)
        for tensor in reader.tensors
    }
    return tensors, facts


READERS: dict[str, Callable[[Path], tuple[dict[str, Tensor], Facts]]] = {
    ".safetensors": _safetensors,
    ".npz": _npz,
    ".gguf": _gguf,
    ".json": read_vllm_lens,
}
