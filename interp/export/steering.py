"""Steering vectors of this and other libraries: safetensors, GGUF and JSON of vllm-lens; NPZ is read but not written.

A file holds a tensor `direction.L` for each layer, as repeng and llama.cpp name them, already multiplied by its
strength, and as metadata the model's type, the layer type, and what each direction means. Layers count from 0 and are
outputs of decoder layers, in all three libraries. (llama.cpp itself accepts none at layer 0.)

    import_steering(path, lm)                                             edits for this model
    import_steering(vector.layer_activations, lm)                         the same from steering-vectors
    import_steering(vector.directions, lm)                                the same from repeng
    SteeringVector(**for_steering_vectors(path)).apply(model)             steering-vectors
    model.set_control(ControlVector(**for_repeng(path)), 1.0)             repeng

Pickles (`.pt`) are refused here: what their rows mean differs from author to author. `interp.export.persona_vectors`
reads and writes those of one paper.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.export.gguf_vectors import write_gguf
from interp.export.steering_files import PICKLES, READERS, read_vectors
from interp.export.vllm_lens import write_vllm_lens
from interp.interventions import Add
from interp.io.files import put
from interp.models.language_model import LanguageModel

WRITERS = {".gguf": write_gguf, ".json": write_vllm_lens}
LAYER_TYPE = "decoder_block"  # what steering-vectors calls the output of a decoder layer


def export_steering(
    path: str | Path, lm: LanguageModel, strengths: Mapping[Direction, float]
) -> Path:
    """Write `path`.safetensors, .gguf (a control vector of llama.cpp) or .json (vllm-lens); one direction per layer.

    A strength is in median residual norms at its direction's site.

    Refuses directions that were fitted to other weights.
    """
    if not strengths:
        raise TriggerLensError("no direction to export")
    vectors: dict[str, Tensor] = {}
    for direction, strength in strengths.items():
        direction.check_fits(lm)
        name = f"direction.{direction.layer}"
        if name in vectors:
            raise TriggerLensError(f"two directions at layer {direction.layer}; add them up first")
        vectors[name] = (strength * direction.scale * direction.vector).float().contiguous().cpu()
    facts = {
        "model_type": lm.config.model_type,
        "layer_count": str(lm.n_layers),
        "layer_type": LAYER_TYPE,
        "directions": json.dumps([_facts(*item) for item in strengths.items()]),
    }
    target = _with_ending(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if write := WRITERS.get(target.suffix):
        layers = {int(name.split(".")[1]): vector for name, vector in vectors.items()}
        put(target, lambda unfinished: write(unfinished, layers, facts))
    else:
        put(target, lambda unfinished: save_file(vectors, unfinished, facts))
    return target


def read_steering(
    path: str | Path,
) -> tuple[dict[int, Float[Tensor, " d_model"]], dict[str, str]]:
    """The vectors by layer in float32, and the file's metadata; `path` with its ending, or as given to the export.

    Raises ValueError for a file that is missing or damaged, of another form, or whose numbers are not finite.
    """
    named = Path(path).suffix in (*READERS, *PICKLES) or Path(path).is_file()
    return read_vectors(Path(path) if named else _with_ending(path))


def import_steering(given: str | Path | Mapping[int, Any], lm: LanguageModel) -> tuple[Add, ...]:
    """An edit for each layer of a file or of a mapping from layers to vectors, as other libraries hold them.

    The vectors keep the strength at which they were saved.

    Refuses vectors of another width, layers the model lacks, and exported directions of other weights.
    """
    if isinstance(given, Mapping):
        held = {int(layer): torch.tensor(np.asarray(vector)) for layer, vector in given.items()}
        return _edits("steering vectors", held, lm)
    path = given
    vectors, facts = read_steering(path)
    for weights in _fitted_to(path, facts):
        if weights != lm.weights_hash:
            raise TriggerLensError(
                f"{path} was fitted to weights {weights[:12]}, but this model has {lm.weights_hash[:12]}; "
                "load the model it belongs to"
            )
    return _edits(str(path), vectors, lm)


def _edits(name: str, vectors: Mapping[int, Tensor], lm: LanguageModel) -> tuple[Add, ...]:
    for layer, vector in vectors.items():
        if not 0 <= layer < lm.n_layers or tuple(vector.shape) != (lm.d_model,):
            raise TriggerLensError(
                f"{name}: a vector of width {list(vector.shape)} for layer {layer}; {lm.name} has layers 0 to "
                f"{lm.n_layers - 1} of width {lm.d_model}, give vectors that were made for it"
            )
    return tuple(Add(vector, (layer,), 1.0) for layer, vector in vectors.items())


def for_steering_vectors(path: str | Path) -> dict[str, Any]:
    """Arguments of `steering_vectors.SteeringVector`."""
    vectors, facts = read_steering(path)
    return {"layer_activations": vectors, "layer_type": facts.get("layer_type", LAYER_TYPE)}


def for_repeng(path: str | Path) -> dict[str, Any]:
    """Arguments of `repeng.ControlVector`."""
    vectors, facts = read_steering(path)
    if "model_type" not in facts:
        raise TriggerLensError(
            f"{path} does not say its model_type, which repeng needs; export it again"
        )
    directions: dict[int, np.ndarray] = {layer: each.numpy() for layer, each in vectors.items()}
    return {"model_type": facts["model_type"], "directions": directions}


def _fitted_to(path: str | Path, facts: Mapping[str, str]) -> set[str]:
    """The hashes of the weights that the file's directions belong to; none if the file does not say."""
    try:
        return {str(fact["model_hash"]) for fact in json.loads(facts.get("directions", "[]"))}
    except (ValueError, TypeError, KeyError) as error:
        raise TriggerLensError(
            f"{path}: its metadata 'directions' is not what export_steering writes; export it again"
        ) from error


def _facts(direction: Direction, strength: float) -> dict[str, Any]:
    names = ("name", "layer", "meaning", "scale", "model_hash")
    return {name: getattr(direction, name) for name in names} | {"strength": strength}


def _with_ending(path: str | Path) -> Path:
    known = str(path).endswith((".safetensors", *WRITERS))
    return Path(path) if known else Path(f"{path}.safetensors")
