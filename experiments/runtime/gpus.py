"""How GPUs are shared among processes: one each if there are enough, several if there are more."""

import os
from collections.abc import Sequence
from itertools import pairwise, takewhile

VARIABLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as in CUDA_VISIBLE_DEVICES; empty on a machine without any."""
    given = os.environ.get(VARIABLE)
    if given is None:
        import torch

        return [str(number) for number in range(torch.cuda.device_count())]
    return list(takewhile(lambda each: each not in ("", "-1"), map(str.strip, given.split(","))))


def shares(gpus: Sequence[str], processes: int) -> list[str]:
    """The variable's value in each process; surplus processes share GPUs in turn. Empty without GPUs."""
    if not gpus:
        return []
    if processes >= len(gpus):
        return [gpus[number % len(gpus)] for number in range(processes)]
    bounds = [round(number * len(gpus) / processes) for number in range(processes + 1)]
    return [",".join(gpus[a:b]) for a, b in pairwise(bounds)]
