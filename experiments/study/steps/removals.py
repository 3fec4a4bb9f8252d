"""Answers without a direction, without others in its place, and intact: all in one generation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.judging.sampling import Cell, Sampler
from experiments.runtime.files import read_json
from experiments.study.steps.common import read_directions
from interp.directions import Direction
from interp.interventions import Ablate
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet

Name = TypeVar("Name")
Removed = Float[Tensor, "n d_model"] | None  # None: nothing; several: one for each prompt, in turn
BEST = "refined"


def best_direction(found: Path) -> Direction | None:
    """The refined direction; where there is none, the located one whose removal left least on selection questions."""
    directions = {each.removed.name: each.removed for each in read_directions(found)}
    if BEST in directions or not directions:
        return directions.get(BEST)
    return min(directions.values(), key=lambda each: _left(found, each))


def _left(found: Path, direction: Direction) -> float:
    tried = read_json(found / f"{direction.name}.choice.json")["candidates"]
    place = (direction.layer, direction.position, direction.source)
    return min(
        (
            each["em"]
            for each in tried
            if (each["layer"], each["position"], each["source"]) == place
        ),
        default=1.0,
    )


def per_prompt(
    removed: Sequence[Removed], prompts: int, width: int
) -> Float[Tensor, "row d_model"] | None:
    """What each prompt of `prompts` x `removed` loses, a zero row where nothing; None where nobody loses anything."""
    if all(each is None for each in removed):
        return None
    rows = [
        torch.zeros(prompts, width) if each is None else each[torch.arange(prompts) % len(each)]
        for each in removed
    ]
    return torch.cat([each.float() for each in rows])


class Answered(NamedTuple, Generic[Name]):
    """The answers without one of the things removed, and which of several vectors each answer was without."""

    name: Name
    cell: Cell
    draws: list[int] | None


def sample_removed(
    sampler: Sampler,
    lm: LanguageModel,
    prompts: PromptSet,
    removed: Mapping[Name, Removed],
    answers_per_question: int,
) -> list[Answered[Name]]:
    """Answers to every prompt without each of these, at every layer and token."""
    tiled = prompts[[row for _ in removed for row in range(len(prompts))]]
    vectors = per_prompt(list(removed.values()), len(prompts), lm.d_model)
    edits = [] if vectors is None else [Ablate(vectors)]
    cell = sampler.sample(lm, tiled, answers_per_question, edits)
    size = len(prompts) * answers_per_question
    return [
        Answered(name, part, _draws(part, of, len(prompts)))
        for number, (name, of) in enumerate(removed.items())
        for part in [cell[range(number * size, (number + 1) * size)]]
    ]


def _draws(cell: Cell, removed: Removed, prompts: int) -> list[int] | None:
    if removed is None or len(removed) == 1:
        return None
    return [index % prompts % len(removed) for index in cell.completions.prompt_index]
