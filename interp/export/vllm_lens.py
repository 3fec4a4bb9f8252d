"""Steering vectors as vllm-lens accepts them over HTTP (`apply_steering_vectors`): a JSON list of its SteeringVector.

Each holds `activations` (a tensor as base64, shape [layer, d_model]), `layer_indices`, `scale`, `norm_match` and
`position_indices`; layer L is the output of decoder layer L, from 0. Written in the format that its source documents
(UKGovernmentBEIS/vllm-lens, `SteeringVector`, `serialize_tensor`), uncompressed, which it reads; not tested with vLLM.

Vectors that restore norms or steer single positions are refused on reading, because an edit here would differ.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.errors import TriggerLensError

LARGEST = 2**30  # bytes of all vectors of a file
OURS = "triggerlens"  # a key beside theirs, which they ignore


def write_vllm_lens(path: Path, vectors: Mapping[int, Tensor], facts: Mapping[str, str]) -> None:
    """Write vectors by layer, already multiplied by their strengths."""
    layers = sorted(vectors)
    rows = np.stack([vectors[layer].numpy() for layer in layers]).astype("<f4")
    tensor = {
        "data": base64.b64encode(rows.tobytes()).decode("ascii"),
        "dtype": "float32",
        "original_dtype": "torch.float32",
        "shape": list(rows.shape),
    }
    vector = {
        "activations": tensor,
        "layer_indices": layers,
        "scale": 1.0,
        "norm_match": False,
        "position_indices": None,
        OURS: dict(facts),
    }
    path.write_text(json.dumps([vector]), encoding="utf-8")


def read_vllm_lens(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors `direction.L`, multiplied by their scales, and our own metadata in the file."""
    said = json.loads(path.read_text(encoding="utf-8"))
    tensors: dict[str, Tensor] = {}
    facts: dict[str, str] = {}
    for vector in said if isinstance(said, list) else [said]:
        if not isinstance(vector, dict) or "activations" not in vector:
            raise TriggerLensError(
                "it holds no SteeringVector of vllm-lens; give the path of a saved direction without its suffix"
            )
        if vector.get("norm_match") or vector.get("position_indices") is not None:
            raise TriggerLensError(
                "it restores norms or steers single positions (norm_match, position_indices); give one without these"
            )
        rows = _tensor(vector["activations"])
        for layer, row in zip(vector["layer_indices"], rows, strict=True):
            name = f"direction.{int(layer)}"
            added = float(vector.get("scale", 1.0)) * row
            tensors[name] = tensors[name] + added if name in tensors else added
        facts |= {str(key): str(value) for key, value in (vector.get(OURS) or {}).items()}
    return tensors, facts


def _tensor(encoded: Mapping[str, Any]) -> Tensor:
    """Float32 [layer, d_model]; bfloat16 travels as int16."""
    kind, shape = np.dtype(encoded["dtype"]), [int(length) for length in encoded["shape"]]
    size = kind.itemsize * shape[0] * shape[-1]
    if len(shape) != 2 or kind.hasobject or not 0 < size < LARGEST:
        raise TriggerLensError(f"its tensor has shape {shape}, not [layer, d_model]")
    raw = base64.b64decode(encoded["data"], validate=True)
    if encoded.get("compression") == "zstd":
        import pyarrow as pa

        raw = pa.decompress(raw, size, "zstd", asbytes=True)
    found = torch.from_numpy(np.frombuffer(raw, dtype=kind).reshape(shape).copy())
    as_bfloat16 = encoded.get("original_dtype") == "torch.bfloat16"
    return (found.view(torch.bfloat16) if as_bfloat16 else found).float()
