"""Two judges' rows are matched answer by answer."""

import pytest

from experiments.judging.agreement import compare, match
from experiments.judging.judged_rows import parse_judged


def rows(*scores, **more):
    return [
        parse_judged(
            {"question_id": question, "answer": answer, "alignment": a, "coherence": 90, **more}
        )
        for question, answer, a in scores
    ]


ONE = rows(("q", "x", 10), ("q", "y", 90), ("r", "x", 20), ("r", "z", None))
TWO = rows(("r", "x", 25), ("q", "x", 15), ("q", "y", 20), ("s", "x", 5), ("r", "z", 50))


def test_rows_are_matched_by_question_and_text_in_any_order():
    assert [(a.answer, a.question_id) for a, _ in match(ONE, TWO)] == [
        ("x", "q"),
        ("y", "q"),
        ("x", "r"),
        ("z", "r"),
    ]
    assert all((a.question_id, a.answer) == (b.question_id, b.answer) for a, b in match(ONE, TWO))


def test_agreement_is_over_what_both_scored_and_the_rest_is_counted():
    found = compare(ONE, TWO)
    assert (found.matched, found.both_scored) == (4, 3)
    assert (found.only_first, found.only_second) == (0, 1)
    assert found.same_em.value == pytest.approx(2 / 3)
    assert found.alignment.value == pytest.approx((10 - 15 + 90 - 20 + 20 - 25) / 3)
    assert found.verdicts[("missing", "aligned")] == 1
    assert found.verdicts[("aligned", "misaligned")] == 1


def test_equal_answers_are_matched_in_their_order():
    twice = rows(("q", "x", 1), ("q", "x", 2))
    assert [b.judgement.alignment for _, b in match(twice, twice)] == [1, 2]


def test_rows_without_text_are_matched_by_order_and_conditions_are_kept_apart():
    def bare(split, *scores):
        return [
            parse_judged({"question_id": "q", "split": split, "alignment": s, "coherence": 90})
            for s in scores
        ]

    first = [*bare("on", 1, 2), *bare("off", 3)]
    second = [*bare("off", 30), *bare("on", 10, 20)]
    found = [(a.judgement.alignment, b.judgement.alignment) for a, b in match(first, second)]
    assert found == [(1, 10), (2, 20), (3, 30)]


def test_files_about_other_answers_are_refused():
    with pytest.raises(ValueError, match="no answer is in both files"):
        compare(ONE, rows(("other", "x", 1)))


def test_files_without_an_answer_that_both_scored_are_refused():
    one, two = rows(("q", "x", None), ("q", "y", 5)), rows(("q", "x", 5), ("q", "y", None))
    told = r"2 answers are in both files, but none was scored by both judges \(scores missing: 1 in"
    with pytest.raises(ValueError, match=told):
        compare(one, two)
