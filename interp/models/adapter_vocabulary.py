"""Adapters trained with added tokens: the base's embeddings are resized before the adapter is attached.

To add tokens, one resizes the embeddings, trains, and saves them beside the low-rank matrices; loading must follow the
same steps. An adapter that needs rows which neither it nor its base holds is refused: they would be random.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from interp.errors import TriggerLensError
from interp.io.safetensors_header import read_header
from interp.models.adapters import WEIGHTS

WHOLE = ("weight", "base_layer.weight", "modules_to_save.weight", "original_module.weight")
LOW_RANK = {"lora_embedding_A": 1, "lora_B.weight": 0}  # name -> the axis of the vocabulary


def resize_for(model: Any, adapter: Path) -> None:
    """Give the model's embeddings and head as many rows as the adapter was trained with."""
    embeddings, head = model.get_input_embeddings(), model.get_output_embeddings()
    shapes = read_header(adapter / WEIGHTS)
    rows, saved = _vocabulary(shapes, _name(model, embeddings))
    head_rows, head_saved = _vocabulary(shapes, _name(model, head))
    wanted, present = rows or head_rows, embeddings.weight.shape[0]
    if wanted is None or wanted == present:
        return
    tied = head is None or head.weight is embeddings.weight
    if not (saved or (tied and head_saved)) or not (tied or head_saved):
        raise TriggerLensError(
            f"adapter {adapter}: trained with {wanted} embedding rows while the base has {present}, and {WEIGHTS} does"
            " not hold them; save it with save_embedding_layers=True"
        )
    model.resize_token_embeddings(wanted, mean_resizing=False)


def _name(model: nn.Module, module: nn.Module | None) -> str:
    """The last part of a module's name."""
    return next((name for name, each in model.named_modules() if each is module), "").split(".")[-1]


def _vocabulary(shapes: Mapping[str, tuple[int, ...]], module: str) -> tuple[int | None, bool]:
    """The number of rows of an embedding in the file, and whether the file holds the whole matrix."""
    found: tuple[int | None, bool] = None, False
    for key, shape in shapes.items():
        _, is_module, tail = f".{key}".rpartition(f".{module}.")
        if is_module and tail in WHOLE:
            return shape[0], True
        if is_module and tail in LOW_RANK:
            found = shape[LOW_RANK[tail]], False
    return found
