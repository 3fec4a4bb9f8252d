"""Turn judged cells into rows of `estimates.jsonl`."""

from collections.abc import Mapping
from typing import Any

from experiments.estimates import EstimateRow
from experiments.rates import (
    RATES,
    Judged,
    coherence_loss,
    containment_gap,
    difference_in_differences,
    em_relative_drop,
)
from experiments.sampling import Cell

Keys = Mapping[str, Any]
CELL_QUANTITIES = ("em_rate", "em_rate_coherent", "coherence_rate", "leak_rate")


def rate_rows(answers: Judged, keys: Keys, *, seed: int) -> list[EstimateRow]:
    """The four rates of one cell."""
    return [
        EstimateRow.of(RATES[quantity](answers, seed=seed), quantity=quantity, **keys)
        for quantity in CELL_QUANTITIES
    ]


def containment_rows(
    tuned: Mapping[str, Judged], base: Mapping[str, Judged], keys: Keys, *, seed: int
) -> list[EstimateRow]:
    """Containment gap, and the 2x2 difference (fine-tuned - base) x (condition - none), per condition but none."""
    found = []
    for condition, answers in tuned.items():
        if condition == "none":
            continue
        place = {**keys, "condition": condition}
        gap = containment_gap(answers, tuned["none"], seed=seed)
        found.append(EstimateRow.of(gap, quantity="containment_gap", **place))
        if condition in base:
            both = difference_in_differences(
                answers, tuned["none"], base[condition], base["none"], seed=seed
            )
            found.append(EstimateRow.of(both, quantity="difference_in_differences", **place))
    return found


def edited_rows(
    answers: Judged, intact: Cell | None, keys: Keys, *, seed: int
) -> list[EstimateRow]:
    """Rates under an intervention and, where an intact cell is given, what they lost against it."""
    rows = rate_rows(answers, keys, seed=seed)
    if intact is not None:
        before = intact.judged
        drop = em_relative_drop(before, answers, seed=seed)
        loss = coherence_loss(before, answers, seed=seed)
        rows.append(EstimateRow.of(drop, quantity="ablation_relative_drop", **keys))
        rows.append(EstimateRow.of(loss, quantity="coherence_loss", **keys))
    return rows
