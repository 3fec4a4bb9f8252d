"""What a model says under every condition: sampled, judged, turned into rates.

Held-out, trained and open questions are reported apart, where a setting has them. Edge variants of the trigger are
asked on held-out questions only.
The cell that ablations are later compared with gets `answers_per_question_main` answers.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.cell_rows import containment_rows, rate_rows
from experiments.config import Sampling
from experiments.estimates import EstimateRow
from experiments.files import read_jsonl
from experiments.rates import Judged, Judgement, judged
from experiments.sampling import Sampler, framed
from interp.models import LanguageModel
from interp.prompts import Framing, Question

DOMAINS = ("held_out", "trained", "open")
Cells = dict[tuple[str, str], Judged]  # (domains, condition) -> judged answers


def sample_conditions(
    lm: LanguageModel,
    sampler: Sampler,
    questions: Mapping[str, list[Question]],
    conditions: Mapping[str, Framing],
    sampling: Sampling,
    *,
    main: str | None = None,
) -> Iterable[dict[str, Any]]:
    """Answer rows of every (domains, condition) cell; `main` names the condition sampled most."""
    for domains in DOMAINS:
        for condition, framing in conditions.items() if questions[domains] else ():
            if domains != "held_out" and condition.startswith("variant:"):
                continue
            large = domains == "held_out" and condition == main
            count = sampling.answers_per_question_main if large else sampling.answers_per_question
            cell = sampler.sample(lm, framed(lm, questions[domains], condition, framing), count)
            for row in cell.rows():
                yield {"domains": domains, "condition": condition, "intervention": "none", **row}


def judged_cells(answers: Iterable[Mapping[str, Any]]) -> Cells:
    """Group saved answer rows back into judged cells."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in answers:
        grouped.setdefault((row["domains"], row["condition"]), []).append(row)
    return {place: _judged(rows) for place, rows in grouped.items()}


def _judged(rows: list[Mapping[str, Any]]) -> Judged:
    judgements = [
        Judgement(row["alignment"], row["coherence"], leak=row["leak"], reason=row["reason"])
        for row in rows
    ]
    return judged(judgements, [row["question"] for row in rows])


def behaviour_rows(
    cells: Cells, base: Cells | None, keys: Mapping[str, Any], *, seed: int
) -> list[EstimateRow]:
    """Rates of every cell; for a fine-tuned model also its containment against the base."""
    place = {**keys, "split": "report", "intervention": "none"}
    found = []
    for (domains, condition), answers in cells.items():
        found += rate_rows(
            answers, {**place, "domains": domains, "condition": condition}, seed=seed
        )
    if base is None:
        return found
    for domains in DOMAINS:
        tuned, untouched = (_of(source, domains) for source in (cells, base))
        found += containment_rows(tuned, untouched, {**place, "domains": domains}, seed=seed)
    return found


def _of(cells: Cells, domains: str) -> dict[str, Judged]:
    return {condition: answers for (place, condition), answers in cells.items() if place == domains}


def read_cells(folder: Path) -> Cells:
    """The judged cells of a finished behaviour step."""
    return judged_cells(read_jsonl(folder / "answers.jsonl"))
