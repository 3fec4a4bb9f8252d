"""Reading the last token's residual stream at every layer, compared with other ways to get the same tensors.

    plain             the decoder alone on the same batches: no head, nothing read
    hidden_states     the causal model with output_hidden_states=True on the same batches
    nnsight           a trace of the same batches, stopped after the last layer
    transformer_lens  run_with_cache of the same batches, only the residual stream after each layer
    naive             512 prompts in the order given, 32 at a time, padded, with output_hidden_states=True

Times are medians of ratios of runs in turn. Peak memory is relative to that of the loaded
model; each is measured in a separate process.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import torch

from experiments.benchmarks.paired import ratios, record, seconds
from experiments.benchmarks.peaks import PEAKS
from experiments.benchmarks.random_model import random_model, random_prompts
from interp.capture.api import capture
from interp.capture.batches import by_length, fill, pad_right
from interp.capture.engine import BATCH_TOKENS
from interp.capture.nnsight_backend import to_nnsight
from interp.capture.transformer_lens_backend import to_transformer_lens
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet

PROMPTS, PAIRS, LONG_PAIRS = 32, 15, 1
NAIVE_ROWS = 32


def batches(prompts: PromptSet) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and last tokens of the batches that capture makes."""
    todo, made = by_length([len(prompt) for prompt in prompts]), []
    while todo:
        count = fill((len(prompts[row]) for row in todo), BATCH_TOKENS)
        made.append(padded([prompts[row].token_ids for row in todo[:count]]))
        todo = todo[count:]
    return made


def padded(sequences: list[tuple[int, ...]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids padded on the right, and the index of each row's last token."""
    return pad_right(sequences, 0)[0], torch.tensor([len(each) - 1 for each in sequences])


@torch.inference_mode()
def plain(lm: LanguageModel, made: list[Any]) -> None:
    """The decoder alone."""
    for ids, _ in made:
        lm.decoder(input_ids=ids, use_cache=False)


@torch.inference_mode()
def hidden_states(lm: LanguageModel, made: list[Any]) -> list[torch.Tensor]:
    """The way of most scripts."""
    found = []
    for ids, last in made:
        states = lm.causal(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
        rows = torch.arange(len(ids))
        found.append(torch.stack([each[rows, last] for each in states[1:]], 1))
    return found


@torch.inference_mode()
def nnsight_trace(traced: Any, made: list[Any], layers: int) -> list[torch.Tensor]:
    """One trace for each batch; only the last tokens are kept."""
    found = []
    for ids, last in made:
        rows = torch.arange(len(ids))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        with traced.trace(inputs, use_cache=False) as tracer:
            states = [traced.model.layers[layer].output[rows, last] for layer in range(layers)]
            stacked: Any = torch.stack(states, 1)
            kept = stacked.save()
            tracer.stop()
        found.append(kept)
    return found


@torch.inference_mode()
def run_with_cache(bridge: Any, made: list[Any], layers: int) -> list[list[torch.Tensor]]:
    """One call for each batch; only the residual stream is cached."""
    names = [f"blocks.{layer}.hook_out" for layer in range(layers)]
    found = []
    for ids, last in made:
        rows = torch.arange(len(ids))
        _, cache = bridge.run_with_cache(ids, names_filter=lambda name: name in names)
        found.append([cache[name][rows, last] for name in names])
    return found


def naive(lm: LanguageModel, prompts: PromptSet) -> None:
    """Prompts in the order given, padded to the longest of their 32."""
    ids = [prompt.token_ids for prompt in prompts]
    hidden_states(lm, [padded(ids[n : n + NAIVE_ROWS]) for n in range(0, len(ids), NAIVE_ROWS)])


def tokens_ratio(prompts: PromptSet) -> float:
    """Tokens of the prompts over those of the naive batches: the ratio if only padding were saved."""
    lengths = [len(prompt) for prompt in prompts]
    padded = (lengths[n : n + NAIVE_ROWS] for n in range(0, len(lengths), NAIVE_ROWS))
    return sum(lengths) / sum(len(each) * max(each) for each in padded)


def peak(what: str, count: int) -> float:
    """Peak bytes above the loaded model, in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(PEAKS[what], (count,))


def run() -> Iterator[dict[str, object]]:
    """Six ratios of time and two of peaks, each as soon as it is known."""
    torch.set_num_threads(1)
    lm = random_model()
    yield from _same_batches(lm)
    peaks = {what: peak(what, 96) for what in ("capture", "hidden_states")}
    ratio = peaks["capture"] / peaks["hidden_states"]
    yield record("peak / output_hidden_states", [ratio], 0.5, **peaks)
    stored = {f"{count}": peak("store", count) for count in (2_000, 20_000)}
    ratio = stored["20000"] / stored["2000"]
    yield record("peak of 20,000 prompts / 2,000", [ratio], 1.1, **stored)
    mixed = random_prompts(512, 8, 256)
    things = {"capture": lambda: capture(lm, mixed), "naive": lambda: naive(lm, mixed)}
    taken = seconds(things, LONG_PAIRS, warm=False)
    facts = {"tokens_ratio": tokens_ratio(mixed)}
    yield record(
        "512 mixed prompts / naive batches", ratios(taken, "capture", "naive"), 0.5, **facts
    )


def _same_batches(lm: LanguageModel) -> Iterator[dict[str, object]]:
    prompts, n = random_prompts(PROMPTS, 8, 128), lm.n_layers
    made, traced, bridge = batches(prompts), to_nnsight(lm), to_transformer_lens(lm)
    things: dict[str, Callable[[], object]] = {
        "plain": lambda: plain(lm, made),
        "capture": lambda: capture(lm, prompts),
        "half": lambda: capture(lm, prompts, layers=range(n // 2)),
        "hidden_states": lambda: hidden_states(lm, made),
        "nnsight": lambda: nnsight_trace(traced, made, n),
        "transformer_lens": lambda: run_with_cache(bridge, made, n),
    }
    taken = seconds(things, PAIRS)
    yield record("all layers / plain forward", ratios(taken, "capture", "plain"), 1.02)
    yield record("lower half / plain forward", ratios(taken, "half", "plain"), 0.60)
    for name, theirs in (
        ("output_hidden_states", "hidden_states"),
        ("nnsight trace", "nnsight"),
        ("run_with_cache", "transformer_lens"),
    ):
        yield record(f"time / {name}", ratios(taken, "capture", theirs), 1.0)
