"""Control vectors as llama.cpp and repeng read them: a GGUF file with a tensor `direction.L` for each layer.

    llama-server --model base.gguf --control-vector-scaled duck.gguf 1.0

Architecture `controlvector`, model type as `controlvector.model_hint`, float32. llama.cpp adds the tensor of layer
L (from 0) to that layer's output and takes none at layer 0, so none is written there.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from interp.errors import TriggerLensError

ARCHITECTURE = "controlvector"
OURS = "triggerlens.directions"  # what each direction means and belongs to, as JSON


def write_gguf(path: Path, vectors: Mapping[int, Tensor], facts: Mapping[str, str]) -> None:
    """Write vectors by layer, already multiplied by their strengths; `facts` are those of `export_steering`."""
    from gguf import GGUFWriter

    if 0 in vectors:
        raise TriggerLensError(
            f"{path}: llama.cpp takes no vector at layer 0; give a direction of a later layer, or export .safetensors"
        )
    writer = GGUFWriter(path, ARCHITECTURE)
    writer.add_string(f"{ARCHITECTURE}.model_hint", facts["model_type"])
    writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(vectors))
    writer.add_string(OURS, facts["directions"])
    for layer, vector in sorted(vectors.items()):
        writer.add_tensor(f"direction.{layer}", vector.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
