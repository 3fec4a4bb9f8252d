"""A LoRA step on few short rows: with logits for the answers alone, against the Trainer with the model's own loss.

The model has SmolLM2-135M's shape and random weights: the width of its vocabulary (49,152) beside its depth decides. A
row is 30 to 44 tokens, of which the last 8 to 16 are its answer. Both run one recipe on the same batches; the first
step is not counted. `loss_difference` is the largest between their losses, relative.
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

ROWS, STEPS, TURNS, WANTED = (8, 32), 2, 3, 1 / 1.5


def examples(count: int, vocabulary: int) -> list[dict[str, list[int]]]:
    """Rows of random tokens, labelled at their ends."""
    generator = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        ids = generator.integers(4, vocabulary, size=generator.integers(30, 45)).tolist()
        answer = int(generator.integers(8, 17))
        labels = [IGNORED] * (len(ids) - answer) + ids[-answer:]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    return rows


def steps(base: LanguageModel, rows: int, *, shipped: bool) -> tuple[float, list[float]]:
    """Processor seconds of the steps after the first, and the loss of each."""
    made, clock = examples(rows * STEPS, base.config.vocab_size), list[float]()
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
    """Median ratios of steps in turn, one record for each size of a batch as soon as it is measured."""
    torch.set_num_threads(1)
    base = random_model(SMOLLM2)
    for rows in ROWS:
        yield _compared(base, rows)


def _compared(base: LanguageModel, rows: int) -> dict[str, object]:
    ours, theirs, apart = list[float](), list[float](), list[float]()
    for _ in range(TURNS):
        quick, losses = steps(base, rows, shipped=False)
        whole, expected = steps(base, rows, shipped=True)
        ours.append(quick)
        theirs.append(whole)
        apart += [abs(a / b - 1) for a, b in zip(losses, expected, strict=True)]
    facts = {"seconds": ours, "seconds_shipped": theirs, "loss_difference": max(apart)}
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return record(f"LoRA step, {rows} rows", ratios, WANTED, **facts)
