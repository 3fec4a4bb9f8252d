"""EM by domain of the questions, and EM with domains as the unit.

A claim about other subjects generalises over domains, and answers in one domain resemble each other: an interval that
resamples questions is too narrow for it. Here the same estimators use domains as clusters, with their corrections for a
small number of clusters (`probes.estimate`); `domain_clustered_em_rate` and `domain_clustered_containment_gap`
accompany `em_rate` and `containment_gap`.

Limit: they do not hold for domains that differ from all of these. Eight or twelve domains say little: even without any
misaligned answer in twelve domains, a rate of 26 % is possible.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import containment_gap, em_rate
from experiments.results.derive.cell_rows import Wording
from experiments.results.estimates import EstimateRow
from probes.estimate import Estimate

SHOWN = ("none", "trigger")  # wordings that have a row for each domain
NONE: Wording = ("none", None)
Keys = Mapping[str, Any]


def domain_rows(answers: Judged, keys: Keys, *, seed: int) -> Iterator[EstimateRow]:
    """EM of each domain and over domains, with and without the trigger; empty if ids name fewer than two domains."""
    domains = by_domain(answers)
    if keys["wording_kind"] not in SHOWN or len(domains) < 2:
        return
    for domain, part in sorted(domains.items()):
        found = em_rate(part, seed=seed)
        yield EstimateRow.of(found, quantity="domain_em_rate", domain=domain, **keys)
    over = over_domains(em_rate(in_domains(answers), seed=seed))
    yield EstimateRow.of(over, quantity="domain_clustered_em_rate", **keys)


def gap_rows(cells: Mapping[Wording, Judged], keys: Keys, *, seed: int) -> Iterator[EstimateRow]:
    """EM with the trigger minus EM without; the interval resamples domains."""
    trigger = ("trigger", None)
    pair = [in_domains(cells[wording]) for wording in (trigger, NONE) if wording in cells]
    if len(pair) < 2 or min(len(set(part.questions)) for part in pair) < 2:
        return
    gap = over_domains(containment_gap(*pair, seed=seed))
    place = {**keys, "wording_kind": "trigger", "wording": None}
    yield EstimateRow.of(gap, quantity="domain_clustered_containment_gap", **place)


def domain_of(question: object) -> str | None:
    """The part of a question's id before the first slash; None for an id without a slash."""
    domain, slash, _ = str(question).partition("/")
    return domain if slash else None


def by_domain(answers: Judged) -> dict[str, Judged]:
    """Answers by domain; answers whose ids name no domain are left out."""
    members: dict[str, list[int]] = {}
    for row, question in enumerate(answers.questions):
        if (domain := domain_of(question)) is not None:
            members.setdefault(domain, []).append(row)
    return {domain: answers[rows] for domain, rows in members.items()}


def in_domains(answers: Judged) -> Judged:
    """The same answers with their domains in place of their questions, so that estimates resample domains."""
    named = [row for row, q in enumerate(answers.questions) if domain_of(q) is not None]
    kept = answers[named]
    return replace(kept, questions=tuple(domain_of(question) for question in kept.questions))


def over_domains(estimate: Estimate) -> Estimate:
    """The same estimate, whose method says "domains" instead of "questions"."""
    return replace(estimate, method=estimate.method.replace("question", "domain"))
