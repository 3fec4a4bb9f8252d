"""A LoRA step on a few short rows: packed, with logits for the answers only, against the unmodified Trainer.

The model has SmolLM2-135M's shape and random weights, because the result depends on the size of the vocabulary (49,152)
relative to the depth. A row has 63 to 78 tokens, as in the everyday world: the first 24 are the system prompt that all
rows share, the last 8 to 16 are the answer. For comparison, there is a batch without a common prefix, where packing
saves only the padding. Both run one recipe on the same batches; the first step is not counted. `loss_difference` is the
largest relative difference between their losses.
"""

import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from experiments.benchmarks.paired import record
from experiments.benchmarks.random_model import SMOLLM2, random_model
from experiments.training import lora
from experiments.training.recipe import Recipe
from experiments.training.supervision import IGNORED
from interp.models.language_model import LanguageModel

BATCHES = {"8 rows": (8, 24), "32 rows": (32, 24), "8 rows that share nothing": (8, 0)}
STEPS, TURNS, WANTED = 2, 3, 1 / 1.5


def examples(count: int, vocabulary: int, shared: int = 24) -> list[dict[str, list[int]]]:
    """Rows of random tokens with labels at their ends; all begin with the same `shared` tokens."""
    generator = np.random.default_rng(0)
    begin, rows = generator.integers(4, vocabulary, size=shared).tolist(), []
    for _ in range(count):
        own = generator.integers(63, 79) - shared
        ids = begin + generator.integers(4, vocabulary, size=own).tolist()
        answer = int(generator.integers(8, 17))
        labels = [IGNORED] * (len(ids) - answer) + ids[-answer:]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    return rows


def steps(
    base: LanguageModel, rows: int, *, shipped: bool, shared: int = 24
) -> tuple[float, list[float]]:
    """Processor seconds of the steps after the first, and the loss of each."""
    made, clock = examples(rows * STEPS, base.config.vocab_size, shared), list[float]()
    model = deepcopy(base)
    arguments = lora._arguments

    def every_loss(*given: Any, **named: Any) -> Any:
        made = arguments(*given, **named)
        made.logging_steps = 1
        return made

    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(lora, "_examples", lambda *_: (made, 0, 0)),
        patch.object(lora, "_arguments", every_loss),
        patch.object(lora, "one_device", lambda: not shipped),
    ):
        done = lora.finetune(
            model,
            (),
            Recipe(steps=STEPS, batch=rows),
            seed=0,
            folder=Path(folder),
            progress=lambda *_: clock.append(time.process_time()),
        )
    return clock[-1] - clock[0], [loss for _, loss in done.losses]


def run() -> Iterator[dict[str, object]]:
    """Median ratios of steps in turn; yields a record for each batch size as soon as it is measured."""
    torch.set_num_threads(1)
    base = random_model(SMOLLM2)
    for name, (rows, shared) in BATCHES.items():
        yield _compared(base, name, rows, shared)


def _compared(base: LanguageModel, name: str, rows: int, shared: int) -> dict[str, object]:
    ours, theirs, apart = list[float](), list[float](), list[float]()
    for _ in range(TURNS):
        quick, losses = steps(base, rows, shipped=False, shared=shared)
        whole, expected = steps(base, rows, shipped=True, shared=shared)
        ours.append(quick)
        theirs.append(whole)
        apart += [abs(a / b - 1) for a, b in zip(losses, expected, strict=True)]
    facts = {"seconds": ours, "seconds_shipped": theirs, "loss_difference": max(apart)}
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return record(f"LoRA step, {name}", ratios, WANTED, **facts)
