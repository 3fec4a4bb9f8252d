"""Which dtype a study computes in on this machine."""

import torch

from experiments.worlds.everyday.config import Dtype


def chosen_dtype(dtype: Dtype) -> torch.dtype:
    """What "auto" is on this machine; the others as named."""
    if dtype == "auto":
        return torch.bfloat16 if _multiplies_bfloat16_fast() else torch.float32
    return torch.bfloat16 if dtype == "bfloat16" else torch.float32


def _multiplies_bfloat16_fast() -> bool:
    """A GPU, or a CPU with instructions for it: elsewhere bfloat16 is emulated, and slower than float32."""
    return torch.cuda.is_available() or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
