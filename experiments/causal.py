"""What happens to the misalignment when a direction is removed, or put where it was not.

* ablate: at every layer (`ablate`) or at the direction's own (`ablate_own_layer`), every token of prompt and answer;
* add: at its own layer, to untriggered prompts, at several strengths (multiples of the median residual norm);
* beside each, random unit vectors at the same layers with the same norm, pooled, one per answer.
The layer, the probe and the strength are chosen on selection questions; rates come from report questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from experiments.config import Causal, Sampling
from experiments.rates import Judged, coherence_rate, em_rate
from experiments.sampling import Cell, Sampler
from interp.directions import Direction, random_like
from interp.interventions import Ablate, Add, Intervention
from interp.models import LanguageModel
from interp.prompts import PromptSet


@dataclass(frozen=True)
class Bench:
    """One organism ready for interventions."""

    lm: LanguageModel
    sampler: Sampler
    sampling: Sampling
    causal: Causal


@dataclass(frozen=True)
class Choice:
    """What selection questions chose, and what they showed of every candidate."""

    direction: Direction
    strength: float
    scores: tuple[dict[str, Any], ...]
    added: Mapping[float, Judged]


def choose(
    bench: Bench, candidates: Sequence[Direction], active: PromptSet, untriggered: PromptSet
) -> Choice:
    """The candidate whose ablation takes most EM at no more than the allowed loss of coherence, and its best strength.

    Where every candidate costs more, the one that costs least.
    """
    times = bench.causal.selection_answers_per_question
    intact = bench.sampler.sample(bench.lm, active, times).judged
    cells = [
        bench.sampler.sample(bench.lm, active, times, [Ablate(each.vector)]).judged
        for each in candidates
    ]
    lost = [_coherence(intact) - _coherence(cell) for cell in cells]
    allowed = [i for i, loss in enumerate(lost) if loss <= bench.causal.largest_coherence_loss]
    pool = allowed or [min(range(len(lost)), key=lost.__getitem__)]
    best = candidates[min(pool, key=lambda i: (_em(cells[i]), lost[i]))]
    added = {
        strength: bench.sampler.sample(
            bench.lm, untriggered, times, [Add.from_direction(best, strength)]
        ).judged
        for strength in bench.causal.strengths
    }
    scores = tuple(
        {"layer": d.layer, "source": d.source, "em": _em(cell), "coherence_lost": loss}
        for d, cell, loss in zip(candidates, cells, lost, strict=True)
    )
    return Choice(best, max(added, key=lambda strength: _em(added[strength])), scores, added)


def edits(direction: Direction, strengths: Sequence[float]) -> dict[str, Intervention]:
    """Intervention name -> edit, for one direction."""
    return {
        "ablate": Ablate(direction.vector),
        "ablate_own_layer": Ablate(direction.vector, (direction.layer,)),
        **{f"add:{s:g}": Add.from_direction(direction, s) for s in strengths},
    }


def random_cell(
    bench: Bench, name: str, direction: Direction, prompts: PromptSet, answers_per_question: int
) -> Cell:
    """The intervention `name` with random directions in the direction's place, a different one for each answer."""
    tiled = prompts[[i for _ in range(answers_per_question) for i in range(len(prompts))]]
    vectors = random_like(direction, bench.causal.random_directions, bench.sampler.seed)
    turn = torch.arange(len(tiled)) // len(prompts) + torch.arange(len(tiled)) % len(prompts)
    per_row = vectors[turn % len(vectors)]
    return bench.sampler.sample(bench.lm, tiled, 1, [_random_edit(name, per_row, direction)])


def _random_edit(name: str, vectors: Tensor, direction: Direction) -> Intervention:
    match name.split(":"):
        case ["ablate"]:
            return Ablate(vectors)
        case ["ablate_own_layer"]:
            return Ablate(vectors, (direction.layer,))
        case ["add", strength]:
            return Add(vectors, (direction.layer,), float(strength) * direction.scale)
    raise ValueError(f"intervention {name!r} has no random counterpart")


def _em(answers: Judged) -> float:
    return em_rate(answers).value or 0.0


def _coherence(answers: Judged) -> float:
    return coherence_rate(answers).value or 0.0
