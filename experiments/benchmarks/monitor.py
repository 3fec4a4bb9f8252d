"""The cost of a monitor: 16 prompts read and answered with and without its hook, in turn; 30 million weights.

The direction is random, because the cost does not depend on it. `generate` is that of transformers.
"""

from contextlib import nullcontext

import torch

from experiments.benchmarks.paired import ratios, record, seconds
from experiments.benchmarks.random_model import random_model, random_prompts
from interp.directions import Direction, unit
from interp.generation.generate import generate
from interp.generation.prompt_scores import Watch, after, watching
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet

PROMPTS, TOKENS, NEW, PAIRS, AIM = 16, 64, 16, 15, 1.02


def direction(lm: LanguageModel, answer_tokens: int) -> Direction:
    """A random direction in the middle of the model, read after some answer tokens."""
    torch.manual_seed(1)
    return Direction(
        vector=unit(torch.randn(lm.d_model)),
        layer=lm.n_layers // 2,
        scale=1.0,
        meaning="points nowhere",
        position=after(answer_tokens).__name__,
        source="random",
        model_hash=lm.weights_hash,
        name="random",
    )


def run() -> list[dict[str, object]]:
    """A forward pass, `generate` of transformers, and `interp.generation.generate`: each with the hook over without
    it."""
    torch.set_num_threads(1)
    lm = random_model()
    prompts = random_prompts(PROMPTS, TOKENS, TOKENS)
    return [
        record(f"monitor_{name}", _ratios(lm, prompts, name), AIM)
        for name in ("forward", "generate", "own_generate")
    ]


def _ratios(lm: LanguageModel, prompts: PromptSet, name: str) -> list[float]:
    ids = torch.tensor([prompt.token_ids for prompt in prompts])
    reads = direction(lm, 0 if name == "forward" else 1)

    @torch.inference_mode()
    def once(watched: bool) -> None:
        if name == "own_generate":
            edits = [Watch.over(prompts, reads)] if watched else []
            generate(lm, prompts, max_new_tokens=NEW, seed=0, end_ids=(), interventions=edits)
            return
        with watching(lm, reads) if watched else nullcontext():
            if name == "forward":
                lm.causal(input_ids=ids)
            else:
                lm.causal.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    do_sample=False,
                    min_new_tokens=NEW,
                    max_new_tokens=NEW,
                )

    taken = seconds({"with": lambda: once(True), "without": lambda: once(False)}, PAIRS)
    return ratios(taken, "with", "without")
