"""Whether this machine has instructions for multiplying bfloat16 matrices."""

import torch


def fast_bfloat16() -> bool:
    """Whether there is a GPU, or a CPU with such instructions; else bfloat16 is emulated, about 200 times slower."""
    return torch.cuda.is_available() or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
