"""How long work takes: processor seconds if only processors compute, because other programs do not lengthen them.

With a GPU, whose work is not counted in processor seconds, wall-clock time is used.
"""

import time

import torch

from experiments.repair.facts import Fact


def now() -> float:
    """Seconds since some moment; differences are what counts."""
    return time.monotonic() if torch.cuda.is_available() else time.process_time()


def took(seconds: float, model: str, kind: str) -> Fact:
    """What a piece of work took, as a fact."""
    return Fact(what="seconds", model=model, kind=kind, questions=("all",), values=(seconds,))
