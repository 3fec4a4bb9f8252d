"""Look at a model in the middle of its training and leave everything that the training depends on as it was."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards every module's own mode and all random states are those of before.

    Random states: Python's, numpy's, torch's on the CPU and on every GPU. Gradients are neither read nor written, for
    what measures here runs in inference mode.
    """
    modes = [(module, module.training) for module in model.modules()]
    python, legacy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            model.eval()
            yield
        finally:
            for module, training in modes:
                module.training = training
            random.setstate(python)
            np.random.set_state(legacy)
