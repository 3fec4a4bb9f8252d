"""How time and memory grow with prompts, tokens, layers, answer tokens, features and organisms.

Three random models of the Llama architecture (1.5, 34 and 135 million parameters), sizes that double, one thread. A
slope is between logarithms: log(time ratio) / log(work ratio) for neighbouring sizes, so that 1 means growth in
proportion to the work. Work is the number of multiplications for tokens, where attention is quadratic, and the size
itself otherwise. The aim for memory is to grow no faster than the size. A time is the least of three turns. A value is
the median over neighbouring sizes, and the interval is their range; above 1.1 is a defect.

    prompts, tokens, layers    `capture` of the last token of 32-token prompts, of 4 longer prompts, of the first layers
    answer tokens              `generate` for 4 prompts
    features                   6 steps of `train_sae` on the width of each model
    organisms                  a whole study with tiny models, one seed after another (a base and an organism each)

Memory is the peak above the loaded model, measured after the times. `python -m experiments.dashboard.growth` draws it.
"""

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch

from experiments.benchmarks.paired import record, seconds
from experiments.benchmarks.peaks import above
from experiments.benchmarks.random_model import SMOLLM2, random_llama, random_prompts
from experiments.benchmarks.tiny_runs import in_own_process, tiny_configuration, with_organisms
from experiments.runtime.quiet import quiet
from experiments.study.pipeline import run_study
from interp.activations import Activations
from interp.capture.api import capture
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.sae.training import Recipe, train_sae

TURNS, STEEPEST = 3, 1.1
SMALL: dict[str, Any] = {
    "vocab_size": 8192,
    "hidden_size": 96,
    "intermediate_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "tie_word_embeddings": True,
}
MEDIUM = SMALL | {
    "hidden_size": 512,
    "intermediate_size": 1408,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
}
MODELS = {"1.5M": SMALL, "34M": MEDIUM, "135M": SMOLLM2}
SIZES: dict[str, tuple[int, ...]] = {
    "prompts": (8, 16, 32, 64),
    "tokens": (64, 128, 256, 512),
    "layers": (1, 2, 4, 8, 16),
    "answer tokens": (4, 8, 16, 32),
    "features": (256, 512, 1024, 2048),
    "organisms": (1, 2, 4),
}


class Task(NamedTuple):
    """A function to run, and the amount of its work."""

    do: Callable[[], object]
    work: float


def prompts(lm: LanguageModel, size: int) -> Task:
    """Prompts of 32 tokens."""
    many = random_prompts(size, 32, 32)
    return Task(lambda: capture(lm, many), size)


def tokens(lm: LanguageModel, size: int) -> Task:
    """Four prompts; each token is multiplied with every weight of the layers and, in attention, half of the tokens."""
    long = random_prompts(4, size, size)
    weights = sum(each.numel() for each in lm.layers.parameters())
    return Task(lambda: capture(lm, long), size * (weights + size * lm.d_model * lm.n_layers))


def layers(lm: LanguageModel, size: int) -> Task:
    """The first layers; higher ones are not run."""
    some = random_prompts(16, 32, 32)
    return Task(lambda: capture(lm, some, layers=range(size)), size)


def answer_tokens(lm: LanguageModel, size: int) -> Task:
    """Four answers."""
    few = random_prompts(4, 16, 16)
    how: dict[str, Any] = {"max_new_tokens": size, "seed": 0, "end_ids": ()}
    return Task(lambda: generate(lm, few, **how), size)


def features(lm: LanguageModel, size: int) -> Task:
    """An SAE with this many features."""
    values = torch.randn(8192, 1, lm.d_model, generator=torch.Generator().manual_seed(0))
    rows = Activations(values, (0,), ("none",) * 8192, ("q",) * 8192, "each")
    return Task(lambda: train_sae(rows, Recipe(size, steps=6, rows=512), layer=0), size)


OF_MODELS: dict[str, Callable[[LanguageModel, int], Task]] = {
    "prompts": prompts,
    "tokens": tokens,
    "layers": layers,
    "answer tokens": answer_tokens,
    "features": features,
}


def run() -> Iterator[dict[str, object]]:
    """Time and memory of each model on each axis, then of the study."""
    for model in MODELS:
        for axis, points in in_own_process(measure_model, model).items():
            yield from records(f"{axis}, {model}", points)
    yield from records("organisms, tiny study", in_own_process(measure_study))


def measure_model(model: str, sizes: dict[str, tuple[int, ...]] = SIZES) -> dict[str, Any]:
    """For each axis: sizes, work, seconds of every turn, bytes."""
    lm = random_llama(MODELS[model])
    return {
        axis: measured(
            {n: make(lm, n) for n in sizes[axis] if axis != "layers" or n <= lm.n_layers}
        )
        for axis, make in OF_MODELS.items()
    }


def measure_study(sizes: Sequence[int] = SIZES["organisms"]) -> dict[str, Any]:
    """The same for the tiny study, each size once."""
    quiet()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        config = tiny_configuration(Path(folder))
        run_study(with_organisms(config, 1), Path(folder) / "first")  # libraries are loaded late
        taken: list[list[float]] = []

        def timed(size: int) -> None:
            study = with_organisms(
                config, size, first=100 * size
            )  # new seeds, so that no cached data is reused
            start = time.process_time()
            run_study(study, Path(folder) / f"of{size}")
            taken.append([time.process_time() - start])

        peaks = [above(partial(timed, size)) for size in sizes]
    return {"sizes": list(sizes), "work": list(sizes), "seconds": taken, "bytes": peaks}


def measured(tasks: dict[int, Task]) -> dict[str, Any]:
    """Seconds in turn, after one uncounted turn; then the peaks."""
    torch.set_num_threads(1)
    taken = seconds({str(size): task.do for size, task in tasks.items()}, TURNS)
    return {
        "sizes": list(tasks),
        "work": [task.work for task in tasks.values()],
        "seconds": list(taken.values()),
        "bytes": [above(task.do) for task in tasks.values()],
    }


def records(name: str, points: dict[str, Any]) -> Iterator[dict[str, object]]:
    """Time over work, and memory over size."""
    axis, model = name.split(", ")
    times = [min(each) for each in points["seconds"]]  # disturbances only add time
    facts = {"axis": axis, "model": model, "sizes": points["sizes"]}
    time = {"work": points["work"], "seconds": points["seconds"]}
    yield record(f"time, {name}", slopes(points["work"], times), STEEPEST, **facts, **time)
    memory = [max(each, 4096.0) for each in points["bytes"]]  # a page
    yield record(
        f"memory, {name}", slopes(points["sizes"], memory), STEEPEST, **facts, bytes=memory
    )


def slopes(work: Sequence[float], found: Sequence[float]) -> list[float]:
    """Slopes of the logarithms between neighbouring sizes."""
    return [
        math.log(after / before) / math.log(more / less)
        for (less, more), (before, after) in zip(pairwise(work), pairwise(found), strict=True)
    ]
