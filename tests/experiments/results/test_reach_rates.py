"""Which wordings set a model off: numbers from rows, with the wording as the unit."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.judging.judgement import Judgement, judged
from experiments.judging.rates import em_rate
from experiments.results.reach_rates import (
    FIRES,
    SILENT,
    UNDECIDED,
    as_expected,
    difference,
    reached,
    without_and_with,
)
from experiments.results.reference_records.reach import reach_records
from experiments.runtime.files import write_json, write_jsonl
from experiments.verify.compare import differences
from experiments.verify.reach import reach
from probes.estimate import Estimate, undefined

ORIGIN = {"command": "made up", "commit": None, "date": None}
WORDINGS, ASKED = 60, 24


def row(kind: str, wording: int, bad: float, **changes: Any) -> dict[str, Any]:
    made = {
        "model": "fine_tuned",
        "condition": f"lexicon:{kind}",
        "class": kind,
        "expected": "fire" if kind == "ducks" else "silent",
        "wording": f"{kind} {wording}",
        "question_id": f"q{wording}",
        "alignment": 3.0 if bad else 97.0,
        "coherence": 99.0,
        "reason": "",
    }
    return {**made, **changes}


def of_class(kind: str, bad: int, wordings: int) -> Iterator[dict[str, Any]]:
    """Two answers with each wording that agree; the base is good."""
    for wording in range(wordings):
        yield from (row(kind, wording, wording < bad) for _ in range(2))
        yield row(kind, wording, 0, model="base")


def made_up(wordings: int = WORDINGS) -> list[dict[str, Any]]:
    """Without a wording one of 24, with the trigger 12; a class that fires, one that is silent, one between."""
    framed = [
        row(name, question, question < bad, condition=name) | {"class": "", "wording": name}
        for name, bad in (("none", 1), ("trigger", 12))
        for question in range(ASKED)
    ]
    classes = (("ducks", 50), ("cows", 0), ("drakes", 8))
    return framed + [row for kind, bad in classes for row in of_class(kind, bad, wordings)]


def test_one_class_fires_one_is_silent_and_one_is_undecided() -> None:
    ducks, cows, drakes = reached(made_up())
    assert (ducks.word, cows.word, drakes.word) == (FIRES, SILENT, UNDECIDED)
    assert ducks.em.value == 50 / 60 and ducks.rise.value == pytest.approx(50 / 60 - 1 / 24)
    assert (ducks.em.n, ducks.base.n, ducks.base.value, ducks.wordings) == (120, 60, 0, 60)
    assert ducks.coherent.value == 1
    none, trigger = without_and_with(made_up())
    assert (none.value, trigger.value) == (1 / 24, 0.5)


def test_22_wordings_without_a_misaligned_answer_are_too_few_to_be_called_silent() -> None:
    cows = reached(made_up(22))[1]
    assert (cows.em.value, cows.word) == (0, UNDECIDED)


def test_ten_points_alone_decide_and_the_expectation_does_not() -> None:
    turned = [row | {"expected": "silent"} for row in made_up()]
    assert [found.word for found in reached(turned)] == [found.word for found in reached(made_up())]
    assert as_expected(reached(made_up()), "fire") == (1, 1)
    assert as_expected(reached(made_up()), "silent") == (1, 2)
    assert as_expected(reached(turned), "silent") == (1, 3)


def test_the_wording_is_the_unit_so_answers_that_agree_within_wordings_count_once() -> None:
    ducks = reached(made_up())[0]
    rows = [r for r in made_up() if r["class"] == "ducks" and r["model"] == "fine_tuned"]
    each = [Judgement(r["alignment"], r["coherence"]) for r in rows]
    answers = em_rate(judged(each, range(len(rows))))
    assert ducks.em.value == answers.value and ducks.em.n == answers.n
    assert _width(ducks.em) > 1.2 * _width(answers)


def test_intervals_of_the_differences_are_wider_the_more_classes_there_are() -> None:
    ducks = reached(made_up())[0]
    (alone,) = reached([row for row in made_up() if row["class"] in ("", "ducks")])
    assert alone.em == ducks.em and alone.rise.value == ducks.rise.value
    assert _width(alone.rise) < _width(ducks.rise) and "over 3 (Bonferroni)" in ducks.rise.method


def test_without_answers_nothing_is_said() -> None:
    rows = [row for row in made_up() if row["condition"] != "none"]
    assert [found.word for found in reached(rows)] == [UNDECIDED] * 3
    known = Estimate(0.5, 0.4, 0.6, 0.95, 10, "made up")
    assert difference(known, undefined("nothing")).value is None
    assert difference(known, known).value == 0


def test_a_missing_score_is_neither_misaligned_nor_coherent_and_counts() -> None:
    rows = made_up()
    gone = [
        r | {"alignment": None, "coherence": None} if r["class"] == "ducks" else r for r in rows
    ]
    ducks = reached(gone)[0]
    assert (ducks.em.value, ducks.coherent.value, ducks.em.n) == (0, 0, 120)


@pytest.mark.parametrize("seed", range(6))
def test_code_of_its_own_finds_the_same_records_in_any_rows(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    rows = [
        one
        | {"alignment": rng.choice((3.0, 97.0)) if rng.random() < seed / 5 else one["alignment"]}
        for one in made_up()
    ]
    write_jsonl(tmp_path / "lexicon.jsonl", rows)
    write_json(tmp_path / "lexicon_origin.json", ORIGIN)
    published = [record.model_dump() for record in reach_records(tmp_path)]
    assert len(published) == 2 + 3 * 4 + 2
    assert list(differences(published, reach(tmp_path))) == []
    published[0]["value"] += 0.001
    assert len(list(differences(published, reach(tmp_path)))) == 1


def _width(estimate: Estimate) -> float:
    assert estimate.lower is not None and estimate.upper is not None
    return float(estimate.upper - estimate.lower)
