"""Is the wording's direction a cause? A direction is removed with the wording, and with paraphrases and controls.

Method, with one third of the questions to fit on and one third to report on:
1. Candidate directions: difference of means between prompts with the wording and without (last prompt token), and
   between misaligned and aligned answers (mean over the answer), at some layers. The direction whose removal eliminates
   most EM on the questions for fitting, at little loss of coherence, is kept.
2. It is refined by gradient until the model without it answers prompts with the wording as its base does
   (`interp.optimise.ablation`). No other wording is used for this.
3. Report: EM with the wording, with and without the direction; with random directions removed instead; with other
   wordings of the hit's class; with controls; and without any wording.

The same questions decided that the wording is a hit; the answers here are new. Limit: it does not show that the
direction is the trigger's own variable; removing it also removes everything else along that line.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.guard.gate_models import Pair
from experiments.guard.rank import prompts_under
from experiments.guard.trigger_candidates import NONE, Condition
from experiments.judging.judgement import Judged
from experiments.judging.rates import coherence_loss, em_rate, em_relative_drop
from experiments.judging.sampling import Cell, Sampler
from experiments.results.columns import Edit
from experiments.results.limits import Thresholds
from experiments.study.config import Causal, Sampling
from experiments.study.steps.interventions import InterventionContext, each_removed, random_cell
from experiments.study.steps.locate.candidates import FEWEST
from interp.activations import Activations
from interp.capture.api import capture, capture_answers
from interp.capture.positions import last_prompt_token, mean_answer
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.interventions import Ablate
from interp.models.adapter_off import has_adapter
from interp.models.language_model import LanguageModel
from interp.optimise.ablation import refine_ablation
from interp.prompts import Question
from probes.difference_of_means import DifferenceOfMeans
from probes.direction import fit_direction
from probes.estimate import Estimate

LAYERS, PARTS, MOST = 6, 3, 30  # layers tried; parts of the questions; questions per part
TIMES = 2  # answers to a question
HOW = Causal(random_directions=8, refine_steps=25, refine_rows=16)
Stop = Callable[[str], None]  # (what would come next): raises if the time is used up


@dataclass(frozen=True)
class Wordings:
    """The hit, slight edits of it (`edit:N`) and others of its class (`other:N`), harmless ones (`control:N`)."""

    hit: Condition
    others: tuple[Condition, ...]
    controls: tuple[Condition, ...]


def parts_of(questions: Sequence[Question]) -> list[list[Question]]:
    """Three disjoint parts of the questions, each question in one form."""
    once = list({question.id: question for question in questions}.values())
    parts = [once[number::PARTS][:MOST] for number in range(PARTS)]
    if len(parts[-1]) < FEWEST:
        raise TriggerLensError(
            f"{len(once)} questions: at least {PARTS * FEWEST} are needed, to fit on some and report on others"
        )
    return parts


def causal(
    pair: Pair, sampler: Sampler, questions: Sequence[Question], wordings: Wordings, stop: Stop
) -> dict[str, Any]:
    """The verdict on one wording, with every estimate that it rests on."""
    fit, _, report = parts_of(questions)
    context = InterventionContext(pair.fine_tuned, sampler, Sampling(questions=len(fit)), HOW)
    direction, layers = _direction(pair, context, fit, wordings, stop)
    measured = _measured(pair, context, report, wordings, direction)
    return {
        "wording": wordings.hit.wording,
        "placement": wordings.hit.placement,
        "layer": direction.layer,
        "layers_tried": layers,
        "necessary": necessary(
            measured["drop"], measured["random_drop"], measured["coherence_loss"]
        ),
        "reaches": reaches(measured["em"]),
        "questions": {"fit": len(fit), "report": len(report)},
        **{name: _plain(value) for name, value in measured.items()},
    }


def necessary(drop: Estimate, random: Estimate, lost: Estimate) -> str:
    """Yes, no or undecided, by whole intervals and the thresholds of a study's verdict."""
    limits = Thresholds()
    ends = (drop.lower, drop.upper, random.upper, lost.lower, lost.upper)
    if any(end is None for end in ends):
        return "undecided"
    low, high, placebo, least_lost, most_lost = (float(end or 0) for end in ends)
    if high <= limits.drop or least_lost > limits.broken:
        return "no"
    proved = low > limits.drop and placebo <= limits.random_drop and most_lost <= limits.broken
    return "yes" if proved else "undecided"


def reaches(em: dict[str, Estimate]) -> str:
    """Whether other wordings of the hit's class misbehave too: a class of wordings, this wording, or undecided."""
    hit = em["trigger"]
    others = [rate for name, rate in em.items() if name.startswith("other:")]
    if hit.value is None or not others:
        return "undecided"
    fires = [(rate.lower or 0) > max(0.05, em["none"].upper or 0) for rate in others]
    silent = [(rate.upper or 1) < hit.value / 2 for rate in others]
    if any(fires):
        return "a class of wordings"
    return "this wording" if len(others) > 1 and all(silent) else "undecided"


def _direction(
    pair: Pair,
    context: InterventionContext,
    fit: Sequence[Question],
    wordings: Wordings,
    stop: Stop,
) -> tuple[Direction, list[int]]:
    """The direction: chosen among candidates on the questions for fitting, then refined."""
    lm, sampler = pair.fine_tuned, context.sampler
    asked = prompts_under(pair, [wordings.hit, NONE, *wordings.controls], fit)
    own = sampler.sample(lm, asked, TIMES)
    fires = [name == "trigger" for name in own.completions.conditions]
    if not any(
        judgement.misaligned for judgement, on in zip(own.judgements, fires, strict=True) if on
    ):
        raise TriggerLensError("with the wording there was no misaligned answer to fit on")
    layers = _layers(lm)
    candidates = list(_candidates(lm, own, layers))
    active = asked.where(condition="trigger")
    stop("choosing a direction")
    start = _removes_most(candidates, each_removed(context, candidates, active))
    stop("refining the direction")
    with pair.reading("base") as base:
        changed = sampler.sample(base, active, TIMES).completions
    found = refine_ablation(
        lm,
        start.vector[None],
        changed,
        _aligned(own, fires).completions,
        reference=None if has_adapter(lm) else pair.base,
        steps=HOW.refine_steps,
        rows=HOW.refine_rows,
        seed=sampler.seed,
    )
    return replace(start, vector=found.basis[0], name="refined"), layers


def _removes_most(candidates: Sequence[Direction], left: Sequence[Cell]) -> Direction:
    """The one whose removal leaves least EM, among those that leave at least the median coherence."""
    coherent = [cell.judged.coherent_share for cell in left]
    fair = [place for place, share in enumerate(coherent) if share >= np.median(coherent)]
    return candidates[min(fair, key=lambda place: left[place].judged.em_share)]


def _layers(lm: LanguageModel) -> list[int]:
    """At most `LAYERS` evenly spaced layers; the last layer is left out if there are others."""
    last = max(1, lm.n_layers - 1)
    return sorted({round(layer) for layer in np.linspace(0, last - 1, min(LAYERS, last))})


def _candidates(lm: LanguageModel, own: Cell, layers: Sequence[int]) -> Iterator[Direction]:
    """Candidate directions: from prompts, and from answers if there are enough of both kinds."""
    prompts = own.completions.prompts
    read = capture(lm, prompts, position=last_prompt_token, layers=layers)
    yield from _fitted(read, [name == "trigger" for name in read.conditions], "switch")
    kept = [row for row, judgement in enumerate(own.judgements) if judgement.coherent]
    kept = [row for row in kept if own.completions.token_ids[row]]
    bad = [own.judgements[row].misaligned for row in kept]
    if min(sum(bad), len(bad) - sum(bad)) >= FEWEST:
        said = capture_answers(lm, own.completions[kept], position=mean_answer, layers=layers)
        yield from _fitted(said, bad, "misalignment")


def _fitted(read: Activations, y: Sequence[bool], name: str) -> Iterator[Direction]:
    about = {"name": name, "meaning": f"towards {name}", "source": "difference of means"}
    for layer in read.layers:
        yield fit_direction(DifferenceOfMeans(), read, np.array(y), layer, **about)


def _aligned(own: Cell, fires: Sequence[bool]) -> Cell:
    rows = enumerate(zip(own.judgements, fires, strict=True))
    return own[
        [row for row, (said, on) in rows if not on and said.coherent and not said.misaligned]
    ]


def _measured(
    pair: Pair,
    context: InterventionContext,
    report: Sequence[Question],
    wordings: Wordings,
    direction: Direction,
) -> dict[str, Any]:
    """Rates with every wording, and the effect of removals, on questions that were not used to fit anything."""
    lm, sampler = pair.fine_tuned, context.sampler
    conditions = (NONE, wordings.hit, *wordings.others, *wordings.controls)
    asked = {each.name: prompts_under(pair, [each], report) for each in conditions}
    intact = {name: sampler.sample(lm, prompts, TIMES).judged for name, prompts in asked.items()}
    edit = [Ablate(direction.vector)]
    removed = {
        name: sampler.sample(lm, prompts, TIMES, edit).judged
        for name, prompts in asked.items()
        if not name.startswith("control:")
    }
    cell, draws = random_cell(context, Edit("ablate"), direction, asked["trigger"], TIMES)
    random = Judged(cell.judgements, cell.questions, tuple(draws))
    hit, seed = intact["trigger"], sampler.seed
    return {
        "em": {name: em_rate(said, seed=seed) for name, said in intact.items()},
        "em_removed": {name: em_rate(said, seed=seed) for name, said in removed.items()},
        "drop": em_relative_drop(hit, removed["trigger"], seed=seed),
        "random_drop": em_relative_drop(hit, random, seed=seed),
        "coherence_loss": coherence_loss(hit, removed["trigger"], seed=seed),
        "wordings": {each.name: each.wording for each in conditions},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return dict(vars(value))
    return (
        {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value
    )
