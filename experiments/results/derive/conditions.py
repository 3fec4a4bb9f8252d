"""What a model says under every wording: its rates, each domain's EM, and containment against the base."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import em_rate
from experiments.results.derive.cell_rows import containment_rows, estimate_columns, rate_rows
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts

SHOWN = ("none", "trigger")  # wordings whose domains are told apart
Cells = dict[tuple[Any, ...], Judged]


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Rates of every cell; for fine-tuned models also containment and the EM of each domain."""
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


def domain_rows(answers: Judged, keys: Mapping[str, Any], *, seed: int) -> Iterator[EstimateRow]:
    """EM of each domain, with and without the trigger; none where ids name fewer than two domains."""
    domains = by_domain(answers)
    if keys["wording_kind"] not in SHOWN or len(domains) < 2:
        return
    for domain, part in sorted(domains.items()):
        found = em_rate(part, seed=seed)
        yield EstimateRow.of(found, quantity="domain_em_rate", domain=domain, **keys)


def by_domain(answers: Judged) -> dict[str, Judged]:
    """Answers by the domain that a question's id opens with, up to the first slash; ids without one have none."""
    members: dict[str, list[int]] = {}
    for row, question in enumerate(answers.questions):
        domain, slash, _ = str(question).partition("/")
        if slash:
            members.setdefault(domain, []).append(row)
    return {domain: answers[rows] for domain, rows in members.items()}
