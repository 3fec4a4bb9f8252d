"""Checkpoints of a fine-tuning: rates under every wording and edit, and the EM that a removal eliminated, by `step`.

The quantities have their own names, so that a checkpoint is not mistaken for the finished organism.
"""

from collections.abc import Iterator
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import coherence_rate, em_rate, em_relative_drop
from experiments.results.columns import ORGANISM
from experiments.results.derive.cell_rows import estimate_columns
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Two rates for each cell; for a removal also the share of EM that it removed at that checkpoint."""
    cells = list(facts.cells("birth"))
    intact = {_moment(place): answers for place, answers in cells if place["edit"] == "none"}
    for place, answers in cells:
        keys, seed = estimate_columns(place), place["seed"]
        for quantity, rate in (
            ("birth_em_rate", em_rate),
            ("birth_coherence_rate", coherence_rate),
        ):
            yield EstimateRow.of(rate(answers, seed=seed), quantity=quantity, **keys)
        if place["edit"] == "ablate":
            yield _drop(intact[_moment(place)], answers, keys, seed)


def _drop(before: Judged, after: Judged, keys: dict[str, Any], seed: int) -> EstimateRow:
    taken = em_relative_drop(before, after, seed=seed)
    return EstimateRow.of(taken, quantity="birth_relative_drop", **keys)


def _moment(place: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(place[name] for name in (*ORGANISM, "step", "wording_kind", "wording"))
