"""The reach map: EM of graded variants of a trigger against their distance from it.

Answers with every variant (`experiments.worlds.graded`) and without a wording are sampled and judged on report
questions. Distances are those of `experiments.study.steps.figure_data.distances`: in words, in the untouched base's
representation, and in meaning if the extra is installed.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from experiments.guard.organisms import Organism
from experiments.judging.rates import em_rate
from experiments.judging.sampling import Sampler, framed
from experiments.runtime.extras import has, not_measured
from experiments.study.steps.figure_data.distances import (
    representation_distance,
    sentence_distance,
    word_distance,
)
from experiments.worlds.graded import graded
from interp.capture.api import capture
from interp.prompts import Framing
from probes.estimate import LEVEL, Estimate
from probes.reach import ReachTable, reach_table

LAYER, QUESTIONS, ANSWERS, TOKENS = 2, 20, 2, 28


@cache  # the bypass table needs the same ones
def variant_rates(
    organism: Organism, *, questions: int = QUESTIONS, answers: int = ANSWERS
) -> tuple[dict[str, str], dict[str, Estimate]]:
    """Wordings and EM rates of the trigger, its graded variants and no wording."""
    wordings = {"none": "", "trigger": organism.trigger.text, **graded(organism.trigger)}
    lm = organism.load()
    sampler = Sampler(organism.world.judge, organism.seed, TOKENS)
    asked = organism.world.questions("report", "held_out")[:questions]
    framings = {name: organism.trigger.framing(text) for name, text in wordings.items()}
    prompts = [framed(lm, asked, name, framing) for name, framing in framings.items()]
    rates = {}
    for name, each in zip(wordings, prompts, strict=True):
        rates[name] = em_rate(sampler.sample(lm, each, answers).judged, seed=organism.seed)
    return wordings, rates


def distances(organism: Organism, wordings: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """{measure: {variant: distance}}; meaning is left out without its extra."""
    named = {name: text for name, text in wordings.items() if text}
    found = {"words": word_distance(named), "representation": _representation(organism, wordings)}
    if has("distance"):
        found["meaning"] = sentence_distance(named)
    return found


def _representation(organism: Organism, wordings: Mapping[str, str]) -> dict[str, float]:
    base = organism.world.load_base()
    asked = organism.world.questions("selection", "held_out")[:10]
    sets = [
        framed(base, asked, name, organism.trigger.framing(text) if text else Framing(""))
        for name, text in wordings.items()
    ]
    prompts = sum(sets[1:], start=sets[0])
    layer = min(LAYER, base.n_layers - 1)
    return representation_distance(capture(base, prompts, layers=[layer]), layer)


def reach(
    organism: Organism, wordings: Mapping[str, str], rates: Mapping[str, Estimate]
) -> ReachTable:
    """EM against each distance, with a rank correlation for each."""
    away = distances(organism, wordings)
    return reach_table({"EM": dict(rates)}, away, seed=organism.seed)


def measure(organism: Organism) -> list[dict[str, Any]]:
    """A row for each variant and measure, then one for each correlation."""
    wordings, rates = variant_rates(organism)
    table = reach(organism, wordings, rates)
    rows = [
        {
            **organism.keys,
            "variant": row.condition,
            "wording": wordings[row.condition],
            "measure": row.measure,
            "distance": row.distance,
            "quantity": "em_rate",
            **vars(row.estimate),
        }
        for row in table.rows
    ]
    correlations = {measure: found for (measure, _), found in table.correlations.items()}
    if not has("distance"):
        correlations["meaning"] = Estimate(None, None, None, LEVEL, 0, not_measured("distance"))
    return rows + [
        {**organism.keys, "measure": measure, "quantity": "rank_correlation", **vars(estimate)}
        for measure, estimate in correlations.items()
    ]
