"""The dtype in which a study computes on this machine."""

import torch

from experiments.models.precision import fast_bfloat16
from experiments.worlds.everyday.config import Dtype


def chosen_dtype(dtype: Dtype) -> torch.dtype:
    """The dtype of this name; "auto" depends on this machine."""
    if dtype == "auto":
        return torch.bfloat16 if fast_bfloat16() else torch.float32
    return torch.bfloat16 if dtype == "bfloat16" else torch.float32
