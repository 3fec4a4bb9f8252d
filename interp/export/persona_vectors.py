"""Persona vectors (Chen et al. 2025, arXiv 2507.21509) as their code saves them: a `.pt` file with one tensor.

The tensor has shape [n_layers + 1, d_model], a row for each of transformers' `hidden_states`: row 0 is the embeddings,
row L + 1 the output of our layer L, and the last row comes after the final norm, so that it belongs to no layer. They
steer with `layer_idx = row - 1`, which is our layer.

Loaded with `weights_only=True`: tensors, no code. A file does not say which model it was fitted to, so only the width
and the number of rows can be checked.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.interventions import Add
from interp.io.files import put
from interp.models.adapters import one_line
from interp.models.language_model import LanguageModel


def import_persona(
    path: str | Path, lm: LanguageModel, layer: int, *, coefficient: float = 1.0
) -> Add:
    """The edit that their steering makes with this file at a layer, which counts from 0 as elsewhere in this package.

    Raises ValueError for a damaged file, another shape than this model's, and a layer that has no row of its own.
    """
    rows = read_persona(path)
    if rows.shape != (lm.n_layers + 1, lm.d_model):
        raise TriggerLensError(
            f"{path} has shape {list(rows.shape)}; persona vectors for {lm.name} have"
            f" [{lm.n_layers + 1}, {lm.d_model}], give a file that was made for it"
        )
    if not 0 <= layer < lm.n_layers - 1:
        raise TriggerLensError(
            f"{path}: layer {layer} has no row; give one from 0 to {lm.n_layers - 2} (the last row comes after the"
            " final norm)"
        )
    return Add(rows[layer + 1], (layer,), coefficient)


def export_persona(
    path: str | Path, lm: LanguageModel, strengths: Mapping[Direction, float]
) -> Path:
    """Write directions times strengths (median residual norms) as such a file; rows without a direction are zero."""
    rows = torch.zeros(lm.n_layers + 1, lm.d_model)
    for direction, strength in strengths.items():
        direction.check_fits(lm)
        if direction.layer == lm.n_layers - 1:
            raise TriggerLensError(
                f"direction {direction.name!r} is at layer {direction.layer}, the last: its row would come after the"
                " final norm; export another, or export .safetensors"
            )
        rows[direction.layer + 1] += strength * direction.scale * direction.vector.float().cpu()
    return put(Path(path), lambda target: torch.save(rows, target))


def read_persona(path: str | Path) -> Float[Tensor, "row d_model"]:
    """The rows of such a file in float32."""
    path = Path(path)
    if not path.is_file():
        raise TriggerLensError(f"no persona vectors {path}: no such file; check the path")
    try:
        rows = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a damaged or hostile file can raise anything
        raise TriggerLensError(
            f"{path} is damaged or holds more than tensors, which is not loaded ({one_line(error)[:160]})"
        ) from error
    if not isinstance(rows, Tensor) or rows.ndim != 2 or not bool(rows.float().isfinite().all()):
        what = list(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
        raise TriggerLensError(
            f"{path} holds {what}; persona vectors are one finite tensor [n_layers + 1, d_model]"
        )
    return rows.float()
