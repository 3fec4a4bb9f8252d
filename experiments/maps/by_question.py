"""How often each question was answered with misalignment, and each domain of questions.

A question's id opens with its domain, up to the first slash; ids without one have no domains.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from experiments.behaviour import Cells
from experiments.estimates import EstimateRow
from experiments.rates import Judged, em_rate
from interp.prompts import Question

SHOWN = ("none", "trigger")  # conditions whose domains are told apart


def question_counts(
    cells: Cells, questions: Mapping[str, Iterable[Question]]
) -> list[dict[str, Any]]:
    """For each question its text and, by condition, [misaligned answers, answers]."""
    texts = {
        (domains, each.id): each.text for domains, those in questions.items() for each in those
    }
    counts: dict[tuple[str, str], dict[str, list[int]]] = {}
    for (domains, condition), answers in cells.items():
        asked = Counter(map(str, answers.questions))
        pairs = zip(answers.questions, answers.judgements, strict=True)
        bad = Counter(str(question) for question, judgement in pairs if judgement.misaligned)
        for question, n in asked.items():
            counts.setdefault((domains, question), {})[condition] = [bad[question], n]
    return [
        {"id": name, "domains": domains, "text": texts.get((domains, name)), "rates": rates}
        for (domains, name), rates in counts.items()
    ]


def domain_rows(cells: Cells, keys: Mapping[str, Any], *, seed: int) -> Iterator[EstimateRow]:
    """EM of each domain, with and without the trigger; none where ids name fewer than two domains."""
    for (domains, condition), answers in cells.items():
        parts = _by_domain(answers)
        if condition not in SHOWN or len(parts) < 2:
            continue
        place = {**keys, "domains": domains, "condition": condition, "intervention": "none"}
        for domain, part in sorted(parts.items()):
            found = em_rate(part, seed=seed)
            yield EstimateRow.of(found, quantity="domain_em_rate", domain=domain, **place)


def _by_domain(answers: Judged) -> dict[str, Judged]:
    found: dict[str, list[int]] = {}
    for row, question in enumerate(answers.questions):
        domain, slash, _ = str(question).partition("/")
        if slash:
            found.setdefault(domain, []).append(row)
    return {
        domain: Judged(
            tuple(answers.judgements[row] for row in rows),
            tuple(answers.questions[row] for row in rows),
        )
        for domain, rows in found.items()
    }
