"""Steering vectors for the users of other libraries: one safetensors file, no pickle, no GGUF.

What is in it: a tensor `direction.L` for each layer, as repeng and llama.cpp name them, already multiplied by its
strength,
and as metadata of the file the model's type, the layer type, and what each direction means. Layers count from 0 and are
outputs of decoder layers, in all three libraries.

    SteeringVector(**for_steering_vectors(path)).apply(model)             steering-vectors
    model.set_control(ControlVector(**for_repeng(path)), 1.0)             repeng
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from interp.directions import Direction
from interp.language_model import LanguageModel

LAYER_TYPE = "decoder_block"  # what steering-vectors calls the output of a decoder layer


def export_steering(
    path: str | Path, lm: LanguageModel, strengths: Mapping[Direction, float]
) -> Path:
    """Write `path`.safetensors; a strength counts median residual norms at its direction's site, one direction a layer.

    Refuses directions that were fitted to other weights.
    """
    if not strengths:
        raise ValueError("no direction to export")
    vectors: dict[str, Tensor] = {}
    for direction, strength in strengths.items():
        direction.check_fits(lm)
        name = f"direction.{direction.layer}"
        if name in vectors:
            raise ValueError(f"two directions at layer {direction.layer}; add them up first")
        vectors[name] = (strength * direction.scale * direction.vector).float().contiguous().cpu()
    facts = [
        {
            "name": each.name,
            "layer": each.layer,
            "meaning": each.meaning,
            "strength": strength,
            "scale": each.scale,
            "model_hash": each.model_hash,
        }
        for each, strength in strengths.items()
    ]
    target = Path(f"{path}.safetensors")
    unfinished = target.with_name(f".{target.name}.part")
    save_file(
        vectors,
        unfinished,
        {
            "model_type": lm.config.model_type,
            "layer_count": str(lm.n_layers),
            "layer_type": LAYER_TYPE,
            "directions": json.dumps(facts),
        },
    )
    os.replace(unfinished, target)
    return target


def read_steering(
    path: str | Path,
) -> tuple[dict[int, Float[Tensor, " d_model"]], dict[str, str]]:
    """The vectors by layer, and the file's metadata."""
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        strangers = [name for name in names if not name.startswith("direction.")]
        if strangers or file.metadata() is None or "layer_type" not in file.metadata():
            raise ValueError(
                f"{path} is no exported steering vector; write one with export_steering"
            )
        return {int(name.split(".")[1]): file.get_tensor(name) for name in names}, file.metadata()


def for_steering_vectors(path: str | Path) -> dict[str, Any]:
    """Arguments of `steering_vectors.SteeringVector`."""
    vectors, facts = read_steering(path)
    return {"layer_activations": vectors, "layer_type": facts["layer_type"]}


def for_repeng(path: str | Path) -> dict[str, Any]:
    """Arguments of `repeng.ControlVector`."""
    vectors, facts = read_steering(path)
    directions: dict[int, np.ndarray] = {layer: each.numpy() for layer, each in vectors.items()}
    return {"model_type": facts["model_type"], "directions": directions}
