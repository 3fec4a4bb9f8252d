"""What happens to the misalignment when a direction is removed, or put where it was not.

* ablate: at every layer (`ablate`) or at the direction's own (`ablate_own_layer`), every token of prompt and answer;
* add: at its own layer, at the kind of token it was fitted on, to untriggered prompts, at several strengths
  (multiples of the median residual norm);
* beside each, random unit vectors at the same layers with the same norm, pooled, one per answer.
What to remove, what to add and how much are chosen on selection questions, layer and probe of each apart; rates come
from report questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from experiments.judging.sampling import Cell, Sampler
from experiments.results.columns import Edit
from experiments.study.config import Causal, Sampling
from interp.capture.positions import mean_answer
from interp.directions import Direction, random_like
from interp.errors import TriggerLensError
from interp.interventions import Ablate, Add, AnswerTokens, Intervention, Positions, PromptSpan
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet


@dataclass(frozen=True)
class InterventionContext:
    """One organism ready for interventions."""

    lm: LanguageModel
    sampler: Sampler
    sampling: Sampling
    causal: Causal


@dataclass(frozen=True)
class Choice:
    """What selection questions chose: a vector to remove, a vector to add and how much of it.

    `left`: EM without the removed one. `scores`: what they showed of every candidate. `dose`: the added vector at every
    strength.
    """

    removed: Direction
    left: float
    added: Direction
    strength: float
    scores: tuple[dict[str, Any], ...]
    dose: Mapping[float, Cell]


def choose(
    context: InterventionContext,
    candidates: Sequence[Direction],
    active: PromptSet,
    untriggered: PromptSet,
) -> Choice:
    """Of all candidates, the best to remove and the best to add, each tried on selection questions.

    * To remove: takes most EM at no more than the allowed loss of coherence; where every candidate costs
      more, the one that costs least.
    * To add: brings most EM at its best strength.
    """
    intact = context.sampler.sample(
        context.lm, active, context.causal.selection_answers_per_question
    )
    cells = _each_removed(context, candidates, active)
    lost = [_coherence(intact) - _coherence(cell) for cell in cells]
    allowed = [i for i, loss in enumerate(lost) if loss <= context.causal.largest_coherence_loss]
    pool = allowed or [min(range(len(lost)), key=lost.__getitem__)]
    removed = min(pool, key=lambda i: (_em(cells[i]), lost[i]))
    doses = _each_added(context, candidates, untriggered)
    added, strength = max(
        product(range(len(candidates)), context.causal.strengths),
        key=lambda place: _em(doses[place[0]][place[1]]),
    )
    scores = tuple(
        {
            "layer": direction.layer,
            "position": direction.position,
            "source": direction.source,
            "em": _em(cell),
            "coherence_lost": loss,
            "added_em": {f"{s:g}": _em(answers) for s, answers in dose.items()},
        }
        for direction, cell, loss, dose in zip(candidates, cells, lost, doses, strict=True)
    )
    left = _em(cells[removed])
    return Choice(candidates[removed], left, candidates[added], strength, scores, doses[added])


def _each_removed(
    context: InterventionContext, candidates: Sequence[Direction], prompts: PromptSet
) -> list[Cell]:
    """Answers with each candidate ablated at all layers, all in one generation."""
    vectors = torch.stack([each.vector for each in candidates])
    edit = Ablate(vectors.repeat_interleave(len(prompts), 0))
    return _in_parts(context, prompts, len(candidates), edit)


def _each_added(
    context: InterventionContext, candidates: Sequence[Direction], prompts: PromptSet
) -> list[dict[float, Cell]]:
    """Answers with each candidate added at every strength; candidates of one site share a generation."""
    strengths = context.causal.strengths
    found: dict[int, dict[float, Cell]] = {}
    for layer, position in dict.fromkeys((each.layer, each.position) for each in candidates):
        mine = [i for i, d in enumerate(candidates) if (d.layer, d.position) == (layer, position)]
        pairs = list(product(mine, strengths))
        vectors = torch.stack([candidates[i].vector for i, _ in pairs])
        alphas = torch.tensor([strength * candidates[i].scale for i, strength in pairs])
        edit = Add(
            vectors.repeat_interleave(len(prompts), 0),
            (layer,),
            alphas.repeat_interleave(len(prompts)),
            where_fitted(candidates[mine[0]]),
        )
        cells = _in_parts(context, prompts, len(pairs), edit)
        for (index, strength), cell in zip(pairs, cells, strict=True):
            found.setdefault(index, {})[strength] = cell
    return [found[index] for index in range(len(candidates))]


def _in_parts(
    context: InterventionContext, prompts: PromptSet, parts: int, edit: Intervention
) -> list[Cell]:
    """The answers of an edit that differs between `parts` copies of the prompts, copy by copy."""
    times = context.causal.selection_answers_per_question
    cell = context.sampler.sample(context.lm, _copies(prompts, parts), times, [edit])
    size = len(prompts) * times
    return [cell[range(start, start + size)] for start in range(0, parts * size, size)]


def _copies(prompts: PromptSet, times: int) -> PromptSet:
    return prompts[[i for _ in range(times) for i in range(len(prompts))]]


def where_fitted(direction: Direction) -> Positions:
    """Where a direction is added: at the kind of token that it was fitted on.

    The decision token of an answer that opens with nothing is the last prompt token, in the header.
    """
    return AnswerTokens() if direction.position == mean_answer.__name__ else PromptSpan("header")


def misbehaves(cell: Cell, condition: str) -> bool:
    """Whether any answer under the condition is misaligned."""
    answers = zip(cell.completions.conditions, cell.judgements, strict=True)
    return any(judgement.misaligned for where, judgement in answers if where == condition)


def removals(direction: Direction) -> dict[Edit, Intervention]:
    """The edits that remove the direction: at every layer, and at its own."""
    return {
        Edit("ablate"): Ablate(direction.vector),
        Edit("ablate_own_layer"): Ablate(direction.vector, (direction.layer,)),
    }


def additions(direction: Direction, strengths: Sequence[float]) -> dict[Edit, Intervention]:
    """The edit that adds the direction, for each strength."""
    where = where_fitted(direction)
    return {Edit("add", s): Add.from_direction(direction, s, positions=where) for s in strengths}


def random_cell(
    context: InterventionContext,
    edit: Edit,
    direction: Direction,
    prompts: PromptSet,
    answers_per_question: int,
) -> tuple[Cell, list[int]]:
    """An edit with random directions in the direction's place, in turn over the answers, and which one each had."""
    tiled = _copies(prompts, answers_per_question)
    vectors = random_like(direction, context.causal.random_directions, context.sampler.seed)
    turn = torch.arange(len(tiled)) // len(prompts) + torch.arange(len(tiled)) % len(prompts)
    draws = turn % len(vectors)
    intervention = _random_edit(edit, vectors[draws], direction)
    return context.sampler.sample(context.lm, tiled, 1, [intervention]), draws.tolist()


def _random_edit(edit: Edit, vectors: Tensor, direction: Direction) -> Intervention:
    match edit:
        case Edit("ablate"):
            return Ablate(vectors)
        case Edit("ablate_own_layer"):
            return Ablate(vectors, (direction.layer,))
        case Edit("add", float(strength)):
            alpha = strength * direction.scale
            return Add(vectors, (direction.layer,), alpha, where_fitted(direction))
    raise TriggerLensError(f"{edit} has no random counterpart")


def _em(answers: Cell) -> float:
    return answers.judged.em_share


def _coherence(answers: Cell) -> float:
    return answers.judged.coherent_share
