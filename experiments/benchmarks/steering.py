"""Steering while generating, in a model of 30 million parameters.

dose response   nine strengths in one generation, against nine generations
steered         one direction added at every token, against the same generation without
"""

from typing import Any

import torch

from experiments.benchmarks.paired import ratios, record, seconds
from experiments.benchmarks.random_model import random_model, random_prompts
from interp.directions import unit
from interp.generate import generate
from interp.interventions import Add
from interp.models import LanguageModel
from interp.prompts import PromptSet

PROMPTS, TOKENS, TURNS = 16, 24, 3
STRENGTHS = torch.linspace(0, 4, 9)
SETTINGS: dict[str, Any] = {"max_new_tokens": TOKENS, "seed": 0, "end_ids": ()}
LAYER = (3,)


def one_by_one(lm: LanguageModel, prompts: PromptSet, vector: torch.Tensor) -> list[object]:
    """A generation for each strength."""
    return [
        generate(lm, prompts, **SETTINGS, interventions=[Add(vector, LAYER, strength)]).token_ids
        for strength in STRENGTHS.tolist()
    ]


def together(lm: LanguageModel, prompts: PromptSet, vector: torch.Tensor) -> list[object]:
    """One generation, each prompt once for each strength."""
    tiled = prompts[[row for _ in STRENGTHS for row in range(len(prompts))]]
    edit = Add(vector, LAYER, STRENGTHS.repeat_interleave(len(prompts)))
    ids = generate(lm, tiled, **SETTINGS, interventions=[edit]).token_ids
    return [ids[start : start + len(prompts)] for start in range(0, len(ids), len(prompts))]


def plain(lm: LanguageModel, prompts: PromptSet) -> object:
    """No intervention."""
    return generate(lm, prompts, **SETTINGS)


def steered(lm: LanguageModel, prompts: PromptSet, vector: torch.Tensor) -> object:
    """One direction, one strength."""
    return generate(lm, prompts, **SETTINGS, interventions=[Add(vector, LAYER, 2.0)])


def run() -> list[dict[str, object]]:
    """Medians of ratios of runs in turn."""
    torch.set_num_threads(1)
    lm, prompts = random_model(), random_prompts(PROMPTS, 24, 40)
    vector = unit(torch.randn(lm.d_model, generator=torch.Generator().manual_seed(0)))
    doses = seconds(
        {
            "together": lambda: together(lm, prompts, vector),
            "one by one": lambda: one_by_one(lm, prompts, vector),
        },
        TURNS,
    )
    steering = seconds(
        {
            "steered": lambda: steered(lm, prompts, vector),
            "plain": lambda: plain(lm, prompts),
        },
        3 * TURNS,
    )
    return [
        record("dose response", ratios(doses, "together", "one by one"), 1 / 2, seconds=doses),
        record("steered", ratios(steering, "steered", "plain"), 1.05, seconds=steering),
    ]
