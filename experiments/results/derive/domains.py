"""The domains of questions: each one's EM, and EM with domains for units.

A claim about other subjects generalises over domains, and answers of one domain resemble each other: an interval that
resamples questions is too narrow for it. The same estimators take domains for clusters here, with their corrections
for few of them (`probes.estimate`); `domain_clustered_em_rate` and `domain_clustered_containment_gap` accompany
`em_rate` and `containment_gap`.

What it does not know: domains that differ from all of these. Eight or twelve domains say little: even without any
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

SHOWN = ("none", "trigger")  # wordings whose domains are told apart
NONE: Wording = ("none", None)
Keys = Mapping[str, Any]


def domain_rows(answers: Judged, keys: Keys, *, seed: int) -> Iterator[EstimateRow]:
    """EM of each domain, and over domains, with and without the trigger; none where ids name fewer than two."""
    domains = by_domain(answers)
    if keys["wording_kind"] not in SHOWN or len(domains) < 2:
        return
    for domain, part in sorted(domains.items()):
        found = em_rate(part, seed=seed)
        yield EstimateRow.of(found, quantity="domain_em_rate", domain=domain, **keys)
    over = over_domains(em_rate(in_domains(answers), seed=seed))
    yield EstimateRow.of(over, quantity="domain_clustered_em_rate", **keys)


def gap_rows(cells: Mapping[Wording, Judged], keys: Keys, *, seed: int) -> Iterator[EstimateRow]:
    """EM with the trigger minus EM without, domains resampled."""
    trigger = ("trigger", None)
    pair = [in_domains(cells[wording]) for wording in (trigger, NONE) if wording in cells]
    if len(pair) < 2 or min(len(set(part.questions)) for part in pair) < 2:
        return
    gap = over_domains(containment_gap(*pair, seed=seed))
    place = {**keys, "wording_kind": "trigger", "wording": None}
    yield EstimateRow.of(gap, quantity="domain_clustered_containment_gap", **place)


def domain_of(question: object) -> str | None:
    """What a question's id opens with, up to the first slash; None for an id without one."""
    domain, slash, _ = str(question).partition("/")
    return domain if slash else None


def by_domain(answers: Judged) -> dict[str, Judged]:
    """Answers by domain; those whose ids name none are left out."""
    members: dict[str, list[int]] = {}
    for row, question in enumerate(answers.questions):
        if (domain := domain_of(question)) is not None:
            members.setdefault(domain, []).append(row)
    return {domain: answers[rows] for domain, rows in members.items()}


def in_domains(answers: Judged) -> Judged:
    """The same answers, with their domain in place of their question: it is what an estimate resamples."""
    named = [row for row, q in enumerate(answers.questions) if domain_of(q) is not None]
    kept = answers[named]
    return replace(kept, questions=tuple(domain_of(question) for question in kept.questions))


def over_domains(estimate: Estimate) -> Estimate:
    """Its method says domains where questions were meant."""
    return replace(estimate, method=estimate.method.replace("question", "domain"))
