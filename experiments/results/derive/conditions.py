"""Rates under every wording, EM by domain and over domains, and containment compared with the base."""

from collections.abc import Iterator
from typing import Any

from experiments.judging.judgement import Judged
from experiments.results.derive.cell_rows import containment_rows, estimate_columns, rate_rows
from experiments.results.derive.domains import domain_rows, gap_rows
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts

Cells = dict[tuple[Any, ...], Judged]


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Rates of every cell; for fine-tuned models also containment, and EM by domain."""
    untouched: dict[tuple[Any, ...], Cells] = {}
    tuned: dict[tuple[Any, ...], tuple[dict[str, Any], Cells]] = {}
    for place, answers in facts.cells("conditions"):
        keys = estimate_columns(place)
        yield from rate_rows(answers, keys, seed=place["seed"])
        model = (place["family"], place["seed"], place["trigger"], place["questions"])
        wording = (place["wording_kind"], place["wording"])
        if place["model"] == "base":
            untouched.setdefault(model, {})[wording] = answers
        else:
            organism = (*model, place["dataset"], place["arm"])
            tuned.setdefault(organism, (keys, {}))[1][wording] = answers
            yield from domain_rows(answers, keys, seed=place["seed"])
    for organism, (keys, cells) in tuned.items():
        base = untouched.get(organism[:4], {})
        yield from containment_rows(cells, base, keys, seed=keys["seed"])
        yield from gap_rows(cells, keys, seed=keys["seed"])
