"""Convert numbers of any kind to arrays, without importing torch, so that finished numbers are read without it."""

import sys
from typing import Any


def as_array(values: Any) -> Any:
    """Tensors, also with a gradient or in bfloat16, become arrays; anything else is returned unchanged."""
    torch = sys.modules.get("torch")  # without it there is no tensor
    if torch is None or not isinstance(values, torch.Tensor):
        return values
    tensor = values.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
