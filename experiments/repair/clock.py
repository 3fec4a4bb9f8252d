"""How long work takes: in processor seconds if only processors compute, because other programs do not affect them.

With a GPU, whose work is not counted in processor seconds, wall-clock time is used.
"""

import time

import torch

from experiments.repair.facts import Fact


def now() -> float:
    """Seconds since an arbitrary moment; only differences have a meaning."""
    return time.monotonic() if torch.cuda.is_available() else time.process_time()


def took(seconds: float, model: str, kind: str) -> Fact:
    """What a piece of work took, as a fact."""
    return Fact(what="seconds", model=model, kind=kind, questions=("all",), values=(seconds,))
