"""What happens to the misalignment when a direction is removed, or added to prompts without the trigger.

* ablate: at every layer (`ablate`) or at the direction's own (`ablate_own_layer`), every token of prompt and answer;
* add: at its own layer, at the kind of token it was fitted on, to untriggered prompts, at several strengths
  (multiples of the median residual norm);
* controls for both: random unit vectors at the same layers with the same norm, pooled, one per answer.
The vector to remove, the vector to add (each with its own layer and probe) and the strength are chosen on selection
questions; rates come from report questions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell, Sampler
from experiments.results.columns import Edit
from experiments.study.config import Causal, Sampling
from experiments.study.steps.racing import Losses, race
from interp.capture.positions import mean_answer
from interp.directions import Direction, random_like
from interp.errors import TriggerLensError
from interp.interventions import Ablate, Add, AnswerTokens, Intervention, Positions, PromptSpan
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet


@dataclass(frozen=True)
class InterventionContext:
    """What interventions on one organism need."""

    lm: LanguageModel
    sampler: Sampler
    sampling: Sampling
    causal: Causal


@dataclass(frozen=True)
class Choice:
    """What was chosen on selection questions: a vector to remove, a vector to add and its strength.

    `left`: EM with the one removed. `scores`: the results of every candidate. `dose`: answers with the other added, by
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

    * To remove: the one that lowers EM most at no more than the allowed loss of coherence; if every candidate
      loses more, the one that loses least.
    * To add: the one that raises EM most at its best strength.
    """
    intact = context.sampler.sample(
        context.lm, active, context.causal.selection_answers_per_question
    )
    cells, whole = _raced(context, active, _removals(candidates), loss=_spoilt)
    lost = [_coherence(intact) - _coherence(cell) for cell in cells]
    allowed = [i for i in whole if lost[i] <= context.causal.largest_coherence_loss]
    pool = allowed or [min(whole, key=lost.__getitem__)]
    removed = min(pool, key=lambda i: (_em(cells[i]), lost[i]))
    strengths = context.causal.strengths
    doses = list(product(range(len(candidates)), strengths))
    dosed, whole = _raced(context, untriggered, _doses(candidates, doses), loss=_tame)
    added, strength = doses[max(whole, key=lambda i: _em(dosed[i]))]
    by_strength = [
        {strength: dosed[doses.index((i, strength))] for strength in strengths}
        for i in range(len(candidates))
    ]
    scores = tuple(
        {
            "layer": direction.layer,
            "position": direction.position,
            "source": direction.source,
            "em": _em(cell),
            "coherence_lost": loss,
            "answers": len(cell.judgements),
            "added_em": {f"{s:g}": _em(answers) for s, answers in dose.items()},
            "added_answers": {f"{s:g}": len(answers.judgements) for s, answers in dose.items()},
        }
        for direction, cell, loss, dose in zip(candidates, cells, lost, by_strength, strict=True)
    )
    whole_dose = _completed(context, untriggered, candidates[added], by_strength[added])
    left = _em(cells[removed])
    return Choice(candidates[removed], left, candidates[added], strength, scores, whole_dose)


def each_removed(
    context: InterventionContext, candidates: Sequence[Direction], prompts: PromptSet
) -> list[Cell]:
    """Answers to every prompt with each candidate ablated at all layers, in one generation and without a race."""
    count, edits = _removals(candidates)
    ((_, edit),) = edits(range(count), len(prompts))
    return _in_parts(context, prompts, count, edit)


# (candidates, rows per candidate) -> edits; each edit is one generation and covers some of the candidates.
Edits = Callable[[Sequence[int], int], Iterator[tuple[list[int], Intervention]]]


def _raced(
    context: InterventionContext,
    prompts: PromptSet,
    edits: tuple[int, Edits],
    loss: Callable[[Judgement], bool],
) -> tuple[list[Cell], list[int]]:
    """The answers of each candidate, and the candidates that were asked everything; the prompts are shuffled once."""
    count, made = edits
    times, order = context.causal.selection_answers_per_question, _order(context, len(prompts))
    cells: dict[int, Cell] = {}

    def ask(alive: Sequence[int], part: range) -> Losses:
        asked = prompts[[order[place] for place in part]]
        for members, edit in made(alive, len(asked)):
            found = _in_parts(context, asked, len(members), edit)
            for member, cell in zip(members, found, strict=True):
                cells[member] = cells[member] + cell if member in cells else cell
        new = [cells[each].judgements[-len(part) * times :] for each in alive]
        values = np.array([[loss(judgement) for judgement in row] for row in new], dtype=float)
        return values.reshape(len(alive), len(part), times).mean(2)

    whole = race(count, len(prompts), ask, context.causal.race_error)
    return [cells[each] for each in range(count)], whole


def _order(context: InterventionContext, prompts: int) -> list[int]:
    return np.random.default_rng(context.sampler.seed).permutation(prompts).tolist()


def _spoilt(judgement: Judgement) -> bool:
    """Loss of a removal: the answer is still misaligned, or no longer coherent."""
    return judgement.misaligned or not judgement.coherent


def _tame(judgement: Judgement) -> bool:
    """Loss of an addition: the answer is not misaligned."""
    return not judgement.misaligned


def _removals(candidates: Sequence[Direction]) -> tuple[int, Edits]:
    """Each candidate ablated at all layers, all in one generation."""
    vectors = torch.stack([each.vector for each in candidates])

    def edits(alive: Sequence[int], rows: int) -> Iterator[tuple[list[int], Intervention]]:
        yield list(alive), Ablate(vectors[list(alive)].repeat_interleave(rows, 0))

    return len(candidates), edits


def _doses(
    candidates: Sequence[Direction], doses: Sequence[tuple[int, float]]
) -> tuple[int, Edits]:
    """Each candidate added at each strength; those at the same layer and position share a generation."""

    def edits(alive: Sequence[int], rows: int) -> Iterator[tuple[list[int], Intervention]]:
        sites: dict[tuple[int, str], list[int]] = {}
        for each in alive:
            direction = candidates[doses[each][0]]
            sites.setdefault((direction.layer, direction.position), []).append(each)
        for members in sites.values():
            added = [(candidates[doses[each][0]], doses[each][1]) for each in members]
            alphas = torch.tensor([strength * direction.scale for direction, strength in added])
            edit = Add(
                torch.stack([direction.vector for direction, _ in added]).repeat_interleave(
                    rows, 0
                ),
                (added[0][0].layer,),
                alphas.repeat_interleave(rows),
                where_fitted(added[0][0]),
            )
            yield members, edit

    return len(doses), edits


def _completed(
    context: InterventionContext,
    prompts: PromptSet,
    direction: Direction,
    dose: Mapping[float, Cell],
) -> dict[float, Cell]:
    """The answers with the chosen direction added, completed to every question at every strength."""
    times, order = context.causal.selection_answers_per_question, _order(context, len(prompts))
    found = {}
    for strength, cell in dose.items():
        rest = prompts[order[len(cell.judgements) // times :]]
        edits = list(additions(direction, [strength]).values())
        found[strength] = (
            cell + context.sampler.sample(context.lm, rest, times, edits) if len(rest) else cell
        )
    return found


def _in_parts(
    context: InterventionContext, prompts: PromptSet, parts: int, edit: Intervention
) -> list[Cell]:
    """The answers under an edit that differs between `parts` copies of the prompts, one cell per copy."""
    times = context.causal.selection_answers_per_question
    cell = context.sampler.sample(context.lm, _copies(prompts, parts), times, [edit])
    size = len(prompts) * times
    return [cell[range(start, start + size)] for start in range(0, parts * size, size)]


def _copies(prompts: PromptSet, times: int) -> PromptSet:
    return prompts[[i for _ in range(times) for i in range(len(prompts))]]


def where_fitted(direction: Direction) -> Positions:
    """Where a direction is added: at the kind of token on which it was fitted.

    If an answer has no opening before its advice, its decision token is the last prompt token, in the header.
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
    """Answers under the edit with random directions instead, and which of them each answer had."""
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
