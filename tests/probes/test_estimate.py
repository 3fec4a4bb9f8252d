"""Intervals that hold what they claim, and never pretend to certainty."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.cells import Cell
from probes.estimate import (
    Estimate,
    difference,
    difference_in_differences,
    mean,
    rate,
    relative_drop,
)
from probes.intervals import clopper_pearson, mover_ratio, mover_sum

answers = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=60)


def clustered(generator, questions=60, answers=4, probability=0.3, spread=1.0):
    """Answers whose chance varies from question to question: beta-binomial."""
    a, b = probability * spread, (1 - probability) * spread
    chances = np.repeat(generator.beta(a, b, size=questions), answers)
    return generator.random(questions * answers) < chances, np.repeat(np.arange(questions), answers)


@settings(max_examples=60, deadline=None)
@given(answers)
def test_a_rate_contains_its_value_and_is_never_certain(rows):
    estimate = rate([o for o, _ in rows], [q for _, q in rows], resamples=200)
    assert estimate.value == pytest.approx(np.mean([o for o, _ in rows]))
    assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1
    assert estimate.upper > estimate.lower
    assert estimate.n == len(rows)


@settings(max_examples=40, deadline=None)
@given(answers, answers)
def test_swapping_the_cells_turns_a_difference_around(a, b):
    first = [[o for o, _ in a], [q for _, q in a]]
    second = [[o for o, _ in b], [q for _, q in b]]
    forward, back = (
        difference(*x, *y, resamples=200) for x, y in ((first, second), (second, first))
    )
    assert forward.value == pytest.approx(-back.value)
    assert forward.lower <= forward.value <= forward.upper
    if forward.method.startswith("MOVER"):
        assert (forward.lower, forward.upper) == pytest.approx((-back.upper, -back.lower))


@pytest.mark.parametrize("outcome", [False, True])
def test_nothing_or_everything_is_exact_over_questions(outcome):
    estimate = rate([outcome] * 400, list(range(100)) * 4)
    lower, upper = clopper_pearson(100 * outcome, 100, 0.95)
    assert (estimate.lower, estimate.upper, estimate.n) == (lower, upper, 400)
    assert upper - lower == pytest.approx(0.0362, abs=1e-4)  # 1 - 0.025 ** (1 / 100)
    assert "Clopper-Pearson" in estimate.method


def test_clustered_intervals_cover_and_naive_ones_do_not():
    generator, truth = np.random.default_rng(0), 0.3
    covered = naive = 0
    for seed in range(200):
        outcomes, questions = clustered(generator, spread=0.5)
        estimate = rate(outcomes, questions, resamples=400, seed=seed)
        covered += estimate.lower <= truth <= estimate.upper
        each_alone = rate(outcomes, np.arange(len(outcomes)), resamples=400, seed=seed)
        naive += each_alone.lower <= truth <= each_alone.upper
    assert covered / 200 >= 0.9
    assert naive / 200 <= 0.85  # the twin: resampling answers claims too much


def test_rare_outcomes_cover_too():
    generator, truth, covered = np.random.default_rng(1), 0.02, 0
    for seed in range(200):
        outcomes, questions = clustered(generator, probability=truth, spread=2.0)
        estimate = rate(outcomes, questions, resamples=200, seed=seed)
        covered += estimate.lower <= truth <= estimate.upper
    assert covered / 200 >= 0.92


def test_pairing_over_questions_narrows_a_difference():
    generator = np.random.default_rng(2)
    chances = np.repeat(generator.beta(0.3, 0.3, size=100), 8)
    questions = np.repeat(np.arange(100), 8)
    a, b = (generator.random(800) < chances for _ in range(2))
    paired = difference(a, questions, b, questions)
    apart = difference(a, questions, b, questions + 1000)
    assert (paired.upper - paired.lower) < 0.6 * (apart.upper - apart.lower)


def test_the_same_seed_gives_the_same_interval_and_tensors_do_too():
    outcomes, questions = clustered(np.random.default_rng(3))
    first = rate(outcomes, questions)
    assert (
        first == rate(torch.tensor(outcomes), torch.tensor(questions)) == rate(outcomes, questions)
    )
    other = rate(outcomes, questions, seed=1)
    assert (other.lower, other.upper) != (first.lower, first.upper)


def test_the_order_of_the_rows_does_not_matter():
    outcomes, questions = clustered(np.random.default_rng(8))
    shuffled = np.random.default_rng(9).permutation(len(outcomes))
    assert rate(outcomes, questions) == rate(outcomes[shuffled], questions[shuffled])


def test_all_gone_is_a_drop_of_one_with_an_interval_below():
    questions = list(range(100)) * 2
    drop = relative_drop([True, False] * 100, questions, [False] * 200, questions)
    assert drop.value == drop.upper == 1
    assert 0.85 < drop.lower < 1


def test_a_drop_from_nothing_is_undefined():
    drop = relative_drop([False] * 8, list(range(8)), [True] * 8, list(range(8)))
    assert (drop.value, drop.lower, drop.upper) == (None, None, None)
    assert "nothing there before" in drop.method


def test_a_drop_covers_the_truth():
    generator, covered = np.random.default_rng(4), 0
    for seed in range(150):
        before, questions = clustered(generator, probability=0.6, spread=2)
        after = before & (generator.random(len(before)) < 0.3)
        drop = relative_drop(before, questions, after, questions, resamples=300, seed=seed)
        covered += drop.lower <= 0.7 <= drop.upper
    assert covered / 150 >= 0.9


def test_the_interaction_is_zero_when_the_base_reacts_alike():
    generator = np.random.default_rng(5)
    questions = np.repeat(np.arange(80), 4)
    on, off = (Cell(generator.random(320) < p, questions) for p in (0.8, 0.1))
    nothing = difference_in_differences(on, off, on, off)
    assert nothing.value == pytest.approx(0)
    silent = Cell(np.zeros(320, bool), questions)
    alone = difference_in_differences(on, off, silent, silent)
    assert alone.value == pytest.approx(difference(*on, *off).value)
    assert alone.lower > 0.5 and "MOVER" in alone.method


def test_mover_of_one_part_is_that_part():
    assert mover_sum([(0.4, (0.3, 0.6), 1)]) == pytest.approx((0.3, 0.6))
    assert mover_sum([(0.4, (0.3, 0.6), -1)]) == pytest.approx((-0.6, -0.3))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 50), st.integers(1, 50))
def test_a_ratio_interval_holds_the_ratio(top, bottom):
    a, b = top / 50, bottom / 50
    lower, upper = mover_ratio(
        a, clopper_pearson(top, 50, 0.95), b, clopper_pearson(bottom, 50, 0.95)
    )
    assert 0 <= lower <= a / b + 1e-12 and a / b <= upper + 1e-12 and math.isfinite(upper)


def test_a_mean_resamples_questions_and_one_question_has_no_interval():
    generator = np.random.default_rng(6)
    numbers, questions = generator.normal(5, 1, size=200), np.repeat(np.arange(50), 4)
    estimate = mean(numbers, questions)
    assert estimate.lower < 5 < estimate.upper
    assert mean([1.0, 3.0], ["q", "q"]).lower is None


def test_no_answers_is_undefined_and_not_zero():
    assert rate([], []).value is None


@pytest.mark.parametrize(
    "wrong", [{"lower": 0.6}, {"upper": 0.4}, {"level": 95.0}, {"lower": None}, {"value": None}]
)
def test_an_estimate_that_contradicts_itself_is_refused(wrong):
    fine = {"value": 0.5, "lower": 0.4, "upper": 0.6, "level": 0.95, "n": 10, "method": "m"}
    assert Estimate(**fine).value == 0.5
    with pytest.raises(ValueError, match="Estimate: "):
        Estimate(**{**fine, **wrong})


def test_outcomes_that_are_no_counts_are_refused():
    with pytest.raises(ValueError, match=r"0\.3.*mean"):
        rate([0.3, 1], ["a", "b"])
    with pytest.raises(ValueError, match="3 questions"):
        rate([True, False], ["a", "b", "c"])


def test_an_estimate_is_plain_numbers():
    outcomes, questions = clustered(np.random.default_rng(7))
    for estimate in (
        rate(outcomes, questions),
        relative_drop(outcomes, questions, outcomes, questions),
    ):
        json.dumps(vars(estimate), allow_nan=False)
        assert type(estimate.value) is float and type(estimate.n) is int
