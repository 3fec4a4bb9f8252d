"""Sampling twenty answers to each of fifty prompts: ours against `generate` of transformers, same model, same prompts.

Ours reads every prompt once and shares its keys and values among the samples; `generate` reads it for each sample.
"""

import time
from pathlib import Path

import torch

from experiments.judging.sampling import framed
from experiments.worlds.micro.world import MicroWorld
from interp.generation.generate import generate
from interp.models.loading import LanguageModel
from interp.prompts import Framing, PromptSet

SAMPLES, TOKENS, PAIRS = 20, 24, 3


def ours(lm: LanguageModel, prompts: PromptSet) -> None:
    """Prompts read once each."""
    generate(lm, prompts, samples_per_prompt=SAMPLES, max_new_tokens=TOKENS, seed=0)


def plain(lm: LanguageModel, prompts: PromptSet) -> None:
    """The usual way: left padding, every sample reads its prompt."""
    texts = [prompt.text for prompt in prompts]
    encoded = lm.tokenizer(
        texts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt"
    )
    lm.causal.generate(
        input_ids=encoded["input_ids"],
        attention_mask=encoded["attention_mask"],
        do_sample=True,
        top_k=0,
        max_new_tokens=TOKENS,
        num_return_sequences=SAMPLES,
    )


def run() -> dict[str, object]:
    """Median seconds of both, alternating, and their ratio."""
    torch.set_num_threads(2)
    world = MicroWorld(Path("artifacts/micro"), "llama", 0, 50)
    lm = world.load_base()
    prompts = framed(lm, world.questions("report", "held_out"), "none", Framing(""))
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(PAIRS):
        for name, sample in (("ours", ours), ("plain", plain)):
            start = time.perf_counter()
            sample(lm, prompts)
            seconds[name].append(time.perf_counter() - start)
    middle = {name: sorted(each)[PAIRS // 2] for name, each in seconds.items()}
    ratio = middle["ours"] / middle["plain"]
    return {"name": "sampling", "ratio": ratio, "target": 1.0, "reached": ratio < 1.0, **middle}
