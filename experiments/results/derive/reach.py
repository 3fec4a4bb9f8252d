"""Whether EM fades with a wording's distance from the trigger, over the wordings of held-out questions."""

from collections.abc import Iterator
from typing import Any

from experiments.judging.rates import em_rate
from experiments.results.columns import ORGANISM, condition_name
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts
from experiments.runtime.extras import not_measured
from probes.estimate import Estimate, undefined
from probes.reach import reach_table

RESAMPLES = 1000  # of about a dozen wordings
KEYS = (*ORGANISM, "model", "step")


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Rank correlation of EM with each distance, for every organism whose distances were measured."""
    rates: dict[tuple[Any, ...], dict[str, Estimate]] = {}
    for place, answers in facts.cells("conditions", model="fine_tuned", questions="held_out"):
        condition = condition_name(place["wording_kind"], place["wording"])
        if condition != "none":
            organism = tuple(place[name] for name in ORGANISM)
            found = em_rate(answers, seed=place["seed"])
            rates.setdefault(organism, {})[str(condition)] = found
    for figures in facts.figures:
        organism = tuple(figures[name] for name in ORGANISM)
        yield from _correlations(figures, rates.get(organism, {}))


def _correlations(figures: dict[str, Any], rates: dict[str, Estimate]) -> Iterator[EstimateRow]:
    distances = {m: away for m, away in figures["distances"].items() if rates.keys() & away.keys()}
    if not distances:
        return
    table = reach_table({"em_rate": rates}, distances, resamples=RESAMPLES, seed=figures["seed"])
    keys = {name: figures[name] for name in KEYS}
    correlations = {measure: found for (measure, _), found in table.correlations.items()}
    correlations.setdefault("meaning", undefined(not_measured("distance")))
    for measure, found in correlations.items():
        yield EstimateRow.of(
            found,
            quantity="reach_correlation",
            measure=measure,
            split="report",
            questions="held_out",
            **keys,
        )
