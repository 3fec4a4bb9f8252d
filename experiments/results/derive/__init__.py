"""Every estimate of a run, a pure function of its facts: one file for each part of a study."""

from collections.abc import Callable, Iterator

from experiments.results.derive import (
    birth,
    capability,
    conditions,
    factorial,
    interchange,
    reach,
    readouts,
    removals,
    values,
)
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts

DERIVATIONS: tuple[Callable[[Facts], Iterator[EstimateRow]], ...] = (
    conditions.rows,
    readouts.rows,
    removals.rows,
    factorial.rows,
    capability.rows,
    interchange.rows,
    values.rows,
    reach.rows,
    birth.rows,
)


def estimates(facts: Facts) -> list[EstimateRow]:
    """All rows of `estimates.jsonl`."""
    return [row for derive in DERIVATIONS for row in derive(facts)]
