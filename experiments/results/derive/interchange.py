"""What swapping the coordinates in a subspace does: whether the answers follow the donor.

* `interchange_em_rate`, `interchange_coherence_rate`: of every swap, and of the intact organism (edit "none").
* `interchange_brings`: EM of prompts without a wording that received a wording's coordinates, over the EM of that
  wording, if that is more than a tenth.
* `interchange_takes`: the share of a wording's EM that the coordinates of a prompt without wording take away.
"""

from collections.abc import Iterator
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import coherence_rate, em_rate, em_relative_drop
from experiments.results.columns import condition_name, organism_of
from experiments.results.derive.cell_rows import estimate_columns
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts
from probes.estimate import LEVEL, Estimate, undefined
from probes.intervals import mover_ratio

NONE = "none"
LEAST_EM = 0.1  # of the donor's wording; a share of less would say nothing


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Rates of every swap, and the EM that it causes or removes."""
    cells = list(facts.cells("interchange"))
    intact = {_wording(place): answers for place, answers in cells if place["edit"] == NONE}
    for place, answers in cells:
        keys, seed = estimate_columns(place), place["seed"]
        for name, rate in (("em", em_rate), ("coherence", coherence_rate)):
            yield EstimateRow.of(
                rate(answers, seed=seed), quantity=f"interchange_{name}_rate", **keys
            )
        if place["edit"] == NONE or place["source"] == condition_name(*_wording(place)[1:]):
            continue
        if place["wording_kind"] == NONE:
            donor = intact.get((organism_of(place), *_split(place["source"])))
            if donor is not None and donor.em_share > LEAST_EM:
                yield EstimateRow.of(
                    _brings(answers, donor, seed), quantity="interchange_brings", **keys
                )
        elif place["source"] == NONE:
            taken = em_relative_drop(intact[_wording(place)], answers, seed=seed)
            yield EstimateRow.of(taken, quantity="interchange_takes", **keys)


def _brings(swapped: Judged, donor: Judged, seed: int) -> Estimate:
    """One rate over the other, with a MOVER interval, so that 0 of many answers still has a width."""
    above, below = (em_rate(each, seed=seed) for each in (swapped, donor))
    if None in (above.value, above.lower, below.value, below.lower):
        return undefined("a rate without an interval", LEVEL, above.n)
    top, bottom = float(above.value or 0), float(below.value or 0)
    lower, upper = mover_ratio(top, _ends(above), bottom, _ends(below))
    value = top / bottom
    return Estimate(
        value, min(lower, value), max(upper, value), LEVEL, above.n, "ratio of two rates, MOVER"
    )


def _ends(rate: Estimate) -> tuple[float, float]:
    return float(rate.lower or 0), float(rate.upper or 0)


def _wording(place: dict[str, Any]) -> tuple[Any, ...]:
    return (organism_of(place), place["wording_kind"], place["wording"])


def _split(condition: str) -> tuple[str, str | None]:
    kind, _, name = condition.partition(":")
    return kind, name or None
