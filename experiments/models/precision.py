"""Whether this machine multiplies bfloat16 matrices by instructions of its own."""

import torch


def fast_bfloat16() -> bool:
    """A GPU, or a CPU with instructions for it: elsewhere bfloat16 is emulated, some two hundred times slower."""
    return torch.cuda.is_available() or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
