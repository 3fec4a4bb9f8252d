"""Probability-weighted scores, and every reason for having none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.judging.numbers import DIGIT_BY_DIGIT, Numbers, from_candidates


def reply(candidates, tokens=("85",)):
    return from_candidates(tokens, [[(t, math.log(p)) for t, p in candidates.items()]])


def test_the_score_is_the_weighted_mean_of_the_numbers():
    found = reply({"80": 0.3, " 90": 0.1, "90": 0.1, "\n0": 0.1, "Sure": 0.4})
    assert found.mass == pytest.approx(0.6)
    assert found.score()[0] == pytest.approx((80 * 0.3 + 90 * 0.2) / 0.6)


@given(st.dictionaries(st.integers(0, 100), st.floats(0.001, 1), min_size=1))
def test_a_score_lies_among_its_numbers(weights):
    total = sum(weights.values())
    score, why = Numbers({n: w / total for n, w in weights.items()}).score()
    assert why == "" and min(weights) - 1e-9 <= score <= max(weights) + 1e-9


@pytest.mark.parametrize("token", ["101", "085", "-5", "8.5", "85%", "٨٥", "", "NaN", "1e1"])
def test_what_is_no_whole_number_from_0_to_100_does_not_count(token):
    assert reply({token: 0.9, "40": 0.1}).score(min_mass=0)[0] == pytest.approx(40)


def test_too_little_mass_is_no_score_unless_the_judge_asks_for_any():
    found = reply({"80": 0.2, "Sure": 0.8})
    assert found.score() == (None, "numbers have a probability below 0.25")
    assert found.score(min_mass=0)[0] == pytest.approx(80)
    assert reply({"Sure": 1.0}).score(min_mass=0) == (
        None,
        "no number among the judge's candidates",
    )


def test_a_tokenizer_that_writes_digits_is_found_out():
    assert reply({"8": 0.9, "7": 0.1}, tokens=("8", "5", "<end>")).score() == (None, DIGIT_BY_DIGIT)
    assert reply({"8": 0.9, "7": 0.1}, tokens=("8", "<end>")).score()[0] == pytest.approx(7.9)
    assert reply({"85": 1.0}, tokens=("85", "0")).score()[0] == pytest.approx(85)


@pytest.mark.parametrize("candidates", [[], [[]]])
def test_a_server_without_probabilities_gives_no_score(candidates):
    assert "top_logprobs" in from_candidates(("85",), candidates).score()[1]
