"""Turn judged cells into rows of `estimates.jsonl`."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import (
    RATES,
    coherence_loss,
    containment_gap,
    difference_in_differences,
    em_gain,
    em_relative_drop,
)
from experiments.results.estimates import EstimateRow

Keys = Mapping[str, Any]
Wording = tuple[str | None, str | None]  # kind, name
CELL_QUANTITIES = ("em_rate", "em_rate_coherent", "coherence_rate", "leak_rate")
NOT_OF_ESTIMATES = ("measurement", "subject", "quantity")


def estimate_columns(place: Keys) -> dict[str, Any]:
    """The columns that an estimate takes over from its facts."""
    known = EstimateRow.model_fields
    return {
        name: value
        for name, value in place.items()
        if name not in NOT_OF_ESTIMATES and (name in known or value is not None)
    }


def rate_rows(answers: Judged, keys: Keys, *, seed: int) -> list[EstimateRow]:
    """The four rates of one cell."""
    return [
        EstimateRow.of(RATES[quantity](answers, seed=seed), quantity=quantity, **keys)
        for quantity in CELL_QUANTITIES
    ]


def containment_rows(
    tuned: Mapping[Wording, Judged], base: Mapping[Wording, Judged], keys: Keys, *, seed: int
) -> Iterator[EstimateRow]:
    """Containment gap, and the 2x2 difference (fine-tuned - base) x (wording - none), for every wording but none."""
    none = ("none", None)
    if none not in tuned:
        return
    for wording, answers in tuned.items():
        if wording == none:
            continue
        place = {**keys, "wording_kind": wording[0], "wording": wording[1]}
        gap = containment_gap(answers, tuned[none], seed=seed)
        yield EstimateRow.of(gap, quantity="containment_gap", **place)
        if wording in base and none in base:
            both = difference_in_differences(
                answers, tuned[none], base[wording], base[none], seed=seed
            )
            yield EstimateRow.of(both, quantity="difference_in_differences", **place)


def loss_rows(
    before: Judged, after: Judged, keys: Keys, *, seed: int, drop: str, loss: str
) -> Iterator[EstimateRow]:
    """What an edit costs, under these names: the share of EM lost, and the coherence lost."""
    taken = em_relative_drop(before, after, seed=seed)
    yield EstimateRow.of(taken, quantity=drop, **keys)
    lost = coherence_loss(before, after, seed=seed)
    yield EstimateRow.of(lost, quantity=loss, **keys)


def edited_rows(
    answers: Judged, intact: Judged | None, keys: Keys, *, seed: int
) -> Iterator[EstimateRow]:
    """Rates under an edit and, if an intact cell is given, the losses relative to it."""
    yield from rate_rows(answers, keys, seed=seed)
    if intact is not None:
        names = {"drop": "ablation_relative_drop", "loss": "coherence_loss"}
        yield from loss_rows(intact, answers, keys, seed=seed, **names)
        gain = em_gain(intact, answers, seed=seed)
        yield EstimateRow.of(gain, quantity="em_gain", **keys)
