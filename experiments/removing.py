"""Answers without a direction, without others in its place, and intact: all in one generation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.files import read_json
from experiments.rates import Judged, judged
from experiments.sampling import Sampler
from experiments.steps.common import read_directions
from interp.directions import Direction
from interp.interventions import Ablate
from interp.models import LanguageModel
from interp.prompts import PromptSet

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


def sample_removed(
    sampler: Sampler,
    lm: LanguageModel,
    prompts: PromptSet,
    removed: Mapping[str, Removed],
    answers_per_question: int,
) -> dict[tuple[str, str], Judged]:
    """(name, condition) -> judged answers, each name without what stands beside it, at every layer and token."""
    tiled = prompts[[row for _ in removed for row in range(len(prompts))]]
    vectors = per_prompt(list(removed.values()), len(prompts), lm.d_model)
    edits = [] if vectors is None else [Ablate(vectors)]
    cell = sampler.sample(lm, tiled, answers_per_question, edits)
    size = len(prompts) * answers_per_question
    grouped: dict[tuple[str, str], list[int]] = {}
    for row, condition in enumerate(cell.completions.conditions):
        grouped.setdefault((list(removed)[row // size], condition), []).append(row)
    return {
        place: judged([cell.judgements[r] for r in rows], [cell.questions[r] for r in rows])
        for place, rows in grouped.items()
    }
