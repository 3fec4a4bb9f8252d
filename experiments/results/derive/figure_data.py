"""What the page draws besides rates, one line per organism: raw maps with counts of answers and intervals."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.results.columns import ORGANISM, condition_name
from experiments.results.facts import Facts
from probes.estimate import mean

NOT_DRAWN = ("model", "step", "question_texts")


def lines(facts: Facts) -> list[dict[str, Any]]:
    """The lines of `maps.jsonl`."""
    return [_line(facts, figures) for figures in facts.figures]


def _line(facts: Facts, figures: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in figures.items() if name not in NOT_DRAWN}
    return kept | {
        "questions": _question_counts(facts, figures),
        "patching": _with_intervals(figures["patching"], figures["seed"]),
    }


def _question_counts(facts: Facts, figures: dict[str, Any]) -> list[dict[str, Any]]:
    """For each question, its text and [misaligned answers, answers] for each wording."""
    texts = figures["question_texts"]
    counts: dict[tuple[str, str], dict[str, list[int]]] = {}
    keys = {name: figures[name] for name in ORGANISM}
    for place, answers in facts.cells("conditions", model="fine_tuned", **keys):
        asked = Counter(map(str, answers.questions))
        pairs = zip(answers.questions, answers.judgements, strict=True)
        bad = Counter(str(question) for question, judgement in pairs if judgement.misaligned)
        condition = str(condition_name(place["wording_kind"], place["wording"]))
        for question, n in asked.items():
            counts.setdefault((place["questions"], question), {})[condition] = [bad[question], n]
    return [
        {"id": name, "questions": kind, "text": texts.get(kind, {}).get(name), "rates": rates}
        for (kind, name), rates in counts.items()
    ]


def _with_intervals(patching: dict[str, Any], seed: int) -> dict[str, Any]:
    """The mean effect over pairs, with an interval that resamples questions, instead of one effect per pair."""
    if "missing" in patching:
        return patching
    questions = patching["questions"]
    sites = {
        name: _effects(effects, questions, seed) for name, effects in patching["sites"].items()
    }
    kept = {name: value for name, value in patching.items() if name != "questions"}
    return kept | {"sites": sites}


def _effects(
    effects: Sequence[Any], questions: Sequence[str], seed: int
) -> dict[str, list[list[float | None]]]:
    """`effects` is [layer, token, pair]; null for a token without a counterpart."""
    table = [[_cell(cell, questions, seed) for cell in row] for row in effects]
    return {
        name: [[None if cell is None else cell[place] for cell in row] for row in table]
        for place, name in enumerate(("effect", "lower", "upper"))
    }


def _cell(
    values: Sequence[float | None], questions: Sequence[str], seed: int
) -> tuple[float | None, ...] | None:
    if None in values:
        return None
    found = mean(np.asarray(values, float), questions, seed=seed)
    return tuple(
        None if number is None else round(float(number), 3)
        for number in (found.value, found.lower, found.upper)
    )
