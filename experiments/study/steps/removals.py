"""Answers with a direction removed, with others removed instead, and intact, all in one generation."""

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
    """The refined direction, or else the located one whose removal left the lowest EM on selection questions."""
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
    """The vector to remove for each of `prompts` x `removed` rows, zero for nothing; None if all remove nothing."""
    if all(each is None for each in removed):
        return None
    rows = [
        torch.zeros(prompts, width) if each is None else each[torch.arange(prompts) % len(each)]
        for each in removed
    ]
    return torch.cat([each.float() for each in rows])


class Answered(NamedTuple, Generic[Name]):
    """The answers under one removal and, if it has several vectors, which of them was removed for each answer."""

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
    """Answers to every prompt under each removal, which acts at every layer and token."""
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
