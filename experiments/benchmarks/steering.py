"""Steering while generating, in a model of 30 million parameters.

dose response   nine strengths in one generation, against nine generations: added at every token, and added at the
                tokens of the header, as in a study, so that the prompt before it is read once for all strengths;
                `tokens_ratio` is the ratio to expect if a token costs the same in every batch
steered         one direction added at every token, against the same generation without
"""

from dataclasses import replace
from typing import Any

import torch

from experiments.benchmarks.paired import ratios, record, seconds
from experiments.benchmarks.random_model import random_model, random_prompts
from interp.directions import unit
from interp.generation.generate import generate
from interp.interventions import Add, EveryToken, Positions, PromptSpan
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet, Span

PROMPTS, TOKENS, TURNS = 16, 24, 3
STRENGTHS = torch.linspace(0, 4, 9)
SETTINGS: dict[str, Any] = {"max_new_tokens": TOKENS, "seed": 0, "end_ids": ()}
LAYER, HEADER = (3,), 5  # tokens of a header
WHERE: dict[str, Positions] = {"every token": EveryToken(), "header": PromptSpan("header")}
AIMS = {"every token": 1 / 2, "header": 1 / 3}


def with_headers(prompts: PromptSet) -> PromptSet:
    """The prompts, with their last tokens marked as the header."""
    return PromptSet(
        tuple(
            replace(each, spans={"header": Span(len(each) - HEADER, len(each))}) for each in prompts
        )
    )


def one_by_one(
    lm: LanguageModel, prompts: PromptSet, vector: torch.Tensor, where: Positions
) -> list[object]:
    """A generation for each strength."""
    edits = [Add(vector, LAYER, strength, where) for strength in STRENGTHS.tolist()]
    return [generate(lm, prompts, **SETTINGS, interventions=[edit]).token_ids for edit in edits]


def together(
    lm: LanguageModel, prompts: PromptSet, vector: torch.Tensor, where: Positions
) -> list[object]:
    """One generation, each prompt once for each strength."""
    tiled = prompts[[row for _ in STRENGTHS for row in range(len(prompts))]]
    edit = Add(vector, LAYER, STRENGTHS.repeat_interleave(len(prompts)), where)
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
    lm, prompts = random_model(), with_headers(random_prompts(PROMPTS, 24, 40))
    vector = unit(torch.randn(lm.d_model, generator=torch.Generator().manual_seed(0)))
    steering = seconds(
        {
            "steered": lambda: steered(lm, prompts, vector),
            "plain": lambda: plain(lm, prompts),
        },
        3 * TURNS,
    )
    return [
        *(_dose_response(lm, prompts, vector, name) for name in WHERE),
        record("steered", ratios(steering, "steered", "plain"), 1.05, seconds=steering),
    ]


def _dose_response(
    lm: LanguageModel, prompts: PromptSet, vector: torch.Tensor, where: str
) -> dict[str, object]:
    asked = (lm, prompts, vector, WHERE[where])
    times = {"together": lambda: together(*asked), "one by one": lambda: one_by_one(*asked)}
    taken = seconds(times, TURNS)
    facts = {"seconds": taken, "tokens_ratio": _tokens_ratio(prompts, where)}
    name = f"dose response, {where}"
    return record(name, ratios(taken, "together", "one by one"), AIMS[where], **facts)


def _tokens_ratio(prompts: PromptSet, where: str) -> float:
    """Tokens processed in one generation, divided by those of a generation for each strength."""
    shared = sum(len(each) - HEADER for each in prompts) if where == "header" else 0
    alone = len(STRENGTHS) * sum(len(each) + TOKENS - 1 for each in prompts)
    return (alone - (len(STRENGTHS) - 1) * shared) / alone
