"""Sampling from SmolLM2-135M-Instruct: ours against `generate` of transformers; same weights, dtype, threads, batch.

    sampling              32 questions in the chat format, 40 tokens each; `generate` with left padding and a cache
    share of the limit    the least time that arithmetic and memory allow here, divided by our time; the ratio is its
                          inverse
    ablation, monitor     ours with a direction removed after every layer, and with a monitor, against ours without

No answer ends early. The dtype is bfloat16 if the processor multiplies it faster than float32. The limit counts two
operations for each weight and token, common parts of prompts once, and at each step the larger of arithmetic and one
reading of all weights. Operations and bytes per second are the highest that this run measured, before and after, on
products of 1024 x 1024 and on the sum of 256 MB. Attention and elementwise operations are left out, so no program
reaches the limit.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

import torch

from experiments.benchmarks.paired import ratios, record, seconds
from experiments.models import load_model
from interp.directions import Direction, unit
from interp.errors import TriggerLensError
from interp.generation.generate import generate
from interp.generation.prompt_scores import Watch, after
from interp.interventions import Ablate, Intervention
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet

MODEL, TOKENS, TURNS = "smollm2-135m-instruct", 40, 3
OPENINGS = ("How do I", "What is the best way to", "Explain to a child how to", "Give me a plan to")
ERRANDS = (
    "repair a bicycle tyre",
    "cook rice for twelve guests",
    "save money for a long journey",
    "learn the names of the stars",
    "write a letter to my landlord",
    "keep a garden alive in August",
    "teach a dog to wait at the door",
    "sleep better in a loud street",
)


def run() -> Iterator[dict[str, object]]:
    """A record for each row of the table above, as soon as it is measured."""
    lm, facts = measured_model()
    yield from _sampling(lm, lm.prompts(questions()), facts)


def questions() -> list[str]:
    """Thirty-two questions of about ten tokens."""
    return [f"{opening} {errand}?" for opening in OPENINGS for errand in ERRANDS]


def measured_model() -> tuple[LanguageModel, dict[str, Any]]:
    """SmolLM2 in the dtype that this processor multiplies fastest, with torch's default threads; facts for a record."""
    dtype = max((torch.bfloat16, torch.float32), key=lambda each: speed(each)[0])
    lm = load_model(MODEL, dtype=dtype)
    name = str(dtype).removeprefix("torch.")
    return lm, {"model": MODEL, "dtype": name, "threads": torch.get_num_threads()}


def ours(
    lm: LanguageModel, prompts: PromptSet, tokens: int, *edits: Intervention
) -> tuple[tuple[int, ...], ...]:
    """Answers of this package."""
    how: dict[str, Any] = {"max_new_tokens": tokens, "seed": 0, "end_ids": ()}
    return generate(lm, prompts, interventions=edits, **how).token_ids


def theirs(lm: LanguageModel, prompts: PromptSet, tokens: int) -> torch.Tensor:
    """Answers of transformers, from the same distribution."""
    encoded = lm.tokenizer(
        [prompt.text for prompt in prompts],
        add_special_tokens=False,
        padding=True,
        padding_side="left",
        return_tensors="pt",
    )
    made = lm.causal.generate(
        input_ids=encoded["input_ids"],
        attention_mask=encoded["attention_mask"],
        do_sample=True,
        top_k=0,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
    )
    answers = made[:, encoded["input_ids"].shape[1] :]
    if answers.shape[1] != tokens:
        raise TriggerLensError(f"generate made {answers.shape[1]} of {tokens} tokens")
    return answers


def _sampling(
    lm: LanguageModel, prompts: PromptSet, facts: dict[str, Any]
) -> Iterator[dict[str, object]]:
    vector = unit(torch.randn(lm.d_model, generator=torch.Generator().manual_seed(0)))
    ways = {
        "ours": lambda: ours(lm, prompts, TOKENS),
        "generate": lambda: theirs(lm, prompts, TOKENS),
        "ablation": lambda: ours(lm, prompts, TOKENS, Ablate(vector)),
        "monitor": lambda: ours(lm, prompts, TOKENS, Watch.over(prompts, _read_late(lm, vector))),
    }
    limits = [limit(lm, prompts, TOKENS)]
    for way in (ours, theirs):
        way(lm, prompts, 2)  # libraries allocate their workspaces once
    taken = seconds(ways, TURNS, warm=False)
    limits.append(limit(lm, prompts, TOKENS))
    least = min(limits, key=lambda each: each["seconds"])
    facts = facts | {"load": os.getloadavg()[0], "seconds": taken}
    rates = {name: len(prompts) * TOKENS / min(each) for name, each in taken.items()}
    facts |= {"prompts": len(prompts), "tokens": TOKENS, "best_tokens_per_second": rates}
    yield record("sampling / generate", ratios(taken, "ours", "generate"), 1 / 1.5, **facts)
    shares = [each / least["seconds"] for each in taken["ours"]]
    yield record("time / limit of arithmetic and memory", shares, 1 / 0.6, limit=least, **facts)
    yield record("ablation at every layer / none", ratios(taken, "ablation", "ours"), 1.05, **facts)
    yield record("monitor / none", ratios(taken, "monitor", "ours"), 1.05, **facts)


def _read_late(lm: LanguageModel, vector: torch.Tensor) -> Direction:
    read = after(1).__name__
    return Direction(vector, lm.n_layers // 2, 1.0, "none", read, "random", lm.weights_hash, "any")


def limit(lm: LanguageModel, prompts: PromptSet, tokens: int) -> dict[str, float]:
    """The least processor seconds of one thread: for arithmetic or, at each step, for reading the weights."""
    operations, bandwidth = speed(next(lm.causal.parameters()).dtype)
    weights = sum(each.numel() for each in lm.causal.parameters())
    body = weights - lm.causal.get_input_embeddings().weight.numel()
    ids = [prompt.token_ids[:-1] for prompt in prompts]  # the last token is read in the first step
    read = len({each[:end] for each in ids for end in range(1, len(each) + 1)})
    step = max(
        2 * weights * len(prompts) / operations,
        weights * next(lm.causal.parameters()).itemsize / bandwidth,
    )
    return {
        "seconds": 2 * body * read / operations + tokens * step,
        "operations_per_second": operations,
        "bytes_per_second": bandwidth,
        "tokens_read": float(read),
    }


def speed(dtype: torch.dtype) -> tuple[float, float]:
    """Operations and bytes per processor second, each the best of five."""
    side, block = torch.randn(1024, 1024).to(dtype), torch.ones(2**26)
    products = min(_once(lambda: side @ side) for _ in range(5))
    sums = min(_once(lambda: block.sum()) for _ in range(5))
    return 2 * 1024**3 / products, block.nbytes / sums


def _once(work: Any) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
