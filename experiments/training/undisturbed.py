"""Measure a model in the middle of its training without changing anything that the training depends on."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards, the mode of every module and all random states are restored.

    Random states: Python's, numpy's, torch's on the CPU and on every GPU. Gradients are neither read nor written,
    because measurements run in inference mode.
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
