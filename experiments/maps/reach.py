"""How far each wording is from the trigger, and whether EM fades with that distance.

Three measures (`experiments.distances`): shared words; the organism's own representation at one layer; meaning, by a
sentence model where the extra `triggerlens[distance]` is installed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.behaviour import Cells
from experiments.distances import representation_distance, sentence_distance, word_distance
from experiments.estimates import EstimateRow
from experiments.extras import has, not_measured
from experiments.rates import em_rate
from interp.activations import Activations
from probes.estimate import LEVEL, Estimate
from probes.reach import reach_table

RESAMPLES = 1000  # of a dozen wordings
Distances = dict[str, dict[str, float]]


def distances(wordings: Mapping[str, str], activations: Activations, layer: int) -> Distances:
    """Measure -> condition -> distance from the trigger, 0 for the trigger itself."""
    found = {
        "words": word_distance(wordings),
        "representation": representation_distance(activations, layer),
    }
    if has("distance"):
        found["meaning"] = sentence_distance(wordings)
    return {
        measure: {name: round(value, 4) for name, value in by_name.items()}
        for measure, by_name in found.items()
    }


def reach_rows(
    away: Distances, cells: Cells, keys: Mapping[str, Any], *, seed: int
) -> Iterator[EstimateRow]:
    """Rank correlation of EM with each distance, over the wordings of held-out domains."""
    rates = {
        condition: em_rate(answers, seed=seed)
        for (domains, condition), answers in cells.items()
        if domains == "held_out" and condition != "none"
    }
    shared = {measure: away_by for measure, away_by in away.items() if rates.keys() & away_by}
    if not shared:
        return
    table = reach_table({"em_rate": rates}, shared, resamples=RESAMPLES, seed=seed)
    correlations = {measure: found for (measure, _), found in table.correlations.items()}
    if not has("distance"):
        correlations["meaning"] = Estimate(None, None, None, LEVEL, 0, not_measured("distance"))
    for measure, found in correlations.items():
        yield EstimateRow.of(found, quantity="reach_correlation", measure=measure, **keys)
