"""What directions and features do when they are removed or added, here and in other models.

* `edits`: directions of the organism, on report questions, with random directions as controls; removal is compared with
  the intact organism under the same wording.
* `selection`: the effect of the added direction on selection questions, at each strength.
* `elsewhere`: its directions removed from the base's persona and from the baseline arm.
* `features`: sets of SAE features, and the vectors of several methods (direction "basis").
* `transfer`: directions of other organisms of the same base; their name is in `source`.
* `steering`: vectors that were trained to be added.
"""

from collections.abc import Iterator
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import coherence_rate, em_rate
from experiments.results.columns import ORGANISM
from experiments.results.derive.cell_rows import (
    edited_rows,
    estimate_columns,
    loss_rows,
    rate_rows,
)
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts

ADDED = ("add", "steer")  # edits that are not compared with the intact model
TRANSFER = {"drop": "transfer_relative_drop", "loss": "transfer_coherence_loss"}
RATES = {"steering_em_rate": em_rate, "steering_coherence_rate": coherence_rate}


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Rates under every edit, and what each removal eliminated."""
    for measurement in ("edits", "features"):
        for place, answers, intact in _with_intact(facts, measurement):
            if place["edit"] != "none":
                compared = None if place["edit"] in ADDED else intact
                keys = estimate_columns(place)
                yield from edited_rows(answers, compared, keys, seed=place["seed"])
    for place, answers in facts.cells("selection"):
        yield from rate_rows(answers, estimate_columns(place), seed=place["seed"])
    yield from _elsewhere(facts)
    yield from _transferred(facts)
    yield from _steered(facts)


def _elsewhere(facts: Facts) -> Iterator[EstimateRow]:
    for place, answers, intact in _with_intact(facts, "elsewhere"):
        if place["edit"] != "none" and intact is not None:
            subject = place["subject"]
            names = {"drop": f"{subject}_relative_drop", "loss": f"{subject}_coherence_loss"}
            keys = estimate_columns(place) | {"wording_kind": None}  # not the organism's wording
            yield from loss_rows(intact, answers, keys, seed=place["seed"], **names)


def _transferred(facts: Facts) -> Iterator[EstimateRow]:
    for place, answers, intact in _with_intact(facts, "transfer"):
        if place["edit"] != "none" and intact is not None:
            keys = estimate_columns(place)
            yield from loss_rows(intact, answers, keys, seed=place["seed"], **TRANSFER)


def _steered(facts: Facts) -> Iterator[EstimateRow]:
    for place, answers in facts.cells("steering"):
        for quantity, rate in RATES.items():
            estimate = rate(answers, seed=place["seed"])
            yield EstimateRow.of(estimate, quantity=quantity, **estimate_columns(place))


def _with_intact(
    facts: Facts, measurement: str
) -> Iterator[tuple[dict[str, Any], Judged, Judged | None]]:
    """Each cell of a measurement, with the intact cell of the same model, questions and wording."""
    cells = list(facts.cells(measurement))
    intact = {_subject(place): answers for place, answers in cells if place["edit"] == "none"}
    for place, answers in cells:
        yield place, answers, intact.get(_subject(place))


def _subject(place: dict[str, Any]) -> tuple[Any, ...]:
    names = (*ORGANISM, "model", "subject", "split", "questions", "wording_kind", "wording")
    return tuple(place[name] for name in names)
