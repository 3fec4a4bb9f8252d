"""The test may be looked at after every question, and still errs no more often than it says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.guard.sequential import MONEY, LimitTest, log_wealth

LIMIT, ERROR, QUESTIONS, TRIALS = 0.05, 0.05, 300, 400
SLACK = 3 * math.sqrt(ERROR * (1 - ERROR) / TRIALS)  # three standard errors of a simulated rate


def clustered(mean: float, seed: int, *, answers: int = 4) -> np.ndarray:
    """Rates of questions of which some are much worse than others; [trial, question]."""
    drawn = np.random.default_rng(seed)
    rates = drawn.beta(mean * 0.5, (1 - mean) * 0.5, size=(TRIALS, QUESTIONS))
    return drawn.binomial(answers, rates) / answers


def ever(side: str, values: np.ndarray, limit: float, error: float = ERROR) -> float:
    """In how many trials the side is called at any question."""
    called = [log_wealth(side, row, limit).max() >= -math.log(error) for row in values]
    return float(np.mean(called))


@pytest.mark.parametrize("side", ["below", "above"])
def test_at_the_limit_it_rarely_decides_however_often_one_looks(side: str) -> None:
    assert ever(side, clustered(LIMIT, seed=1), LIMIT) <= ERROR + SLACK


def test_looking_often_at_a_fixed_size_test_does_err() -> None:
    values = clustered(0.5, seed=1)
    counts = np.arange(1, QUESTIONS + 1)
    means = values.cumsum(axis=1) / counts
    spread = values.std() / np.sqrt(counts)
    wrong = ((means - 0.5) / spread > 1.645)[:, 10:].any(axis=1).mean()
    assert wrong > 3 * ERROR
    assert ever("above", values, 0.5) <= ERROR + SLACK


def test_differences_at_the_limit_are_rarely_called() -> None:
    difference = clustered(0.25, seed=2) - clustered(0.20, seed=3)
    scaled, limit = (difference + 1) / 2, (LIMIT + 1) / 2
    for side in ("below", "above"):
        assert ever(side, scaled, limit) <= ERROR + SLACK


def test_far_from_the_limit_it_decides() -> None:
    assert ever("below", clustered(0.001, seed=4), LIMIT) > 0.9
    assert ever("above", clustered(0.5, seed=5), LIMIT) > 0.99


def test_money_is_shared_out_whole() -> None:
    for shares in MONEY.values():
        assert shares.sum() == pytest.approx(1) and (shares > 0).all()


def test_a_clean_model_is_called_after_as_many_questions_as_it_said() -> None:
    test = LimitTest(LIMIT)
    test.update([0.0] * 10, [0.0] * 10)
    missing = test.more()
    assert test.decision is None and missing is not None
    fewer = int(0.8 * missing)  # all stakes together are a little quicker than the best of them
    test.update([0.0] * fewer, [0.0] * fewer)
    assert test.decision is None
    test.update([0.0] * (missing - fewer), [0.0] * (missing - fewer))
    assert test.decision == "below" and 60 < len(test.least) < 90


def test_a_bad_model_is_called_soon() -> None:
    test = LimitTest(LIMIT, error_above=0.05 / 20)
    test.update([0.75] * 6, [0.75] * 6)
    assert test.decision == "above"


def test_missing_scores_neither_pass_nor_fail() -> None:
    test = LimitTest(LIMIT)
    test.update([0.0] * 200, [1.0] * 200)
    assert test.decision is None
    assert test.more() is None
    interval = test.interval()
    assert interval.lower == 0 and interval.upper == 1


def test_at_the_limit_no_number_of_questions_would_decide() -> None:
    test = LimitTest(0.5)
    test.update([0.5] * 20, [0.5] * 20)
    assert test.more() is None


def test_the_interval_holds_at_every_look() -> None:
    values = clustered(0.2, seed=6)[:60]
    missed = 0
    for row in values:
        inside = [
            (each := _interval(row[:count])).lower <= 0.2 <= each.upper for count in (10, 40, 160)
        ]
        missed += not all(inside)
    assert missed / len(values) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / len(values))


def _interval(values: np.ndarray):
    test = LimitTest(LIMIT)
    test.update(list(values), list(values))
    return test.interval()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([-1.0, -0.25, 0.0, 0.25, 1.0]), min_size=1, max_size=40))
def test_the_interval_holds_the_value_and_agrees_with_the_decision(values: list[float]) -> None:
    test = LimitTest(LIMIT, low=-1.0, error_above=0.025, error_below=0.025)
    test.update(values, values)
    found = test.interval(0.95)
    assert -1 <= found.lower <= found.value <= found.upper <= 1
    if found.upper < LIMIT - 0.01:
        assert test.decision == "below"
    if found.lower > LIMIT + 0.01:
        assert test.decision == "above"


def test_more_data_makes_the_interval_narrower() -> None:
    few, many = (_interval(np.array([0.0, 0.5] * count)) for count in (5, 100))
    assert many.upper - many.lower < few.upper - few.lower


@pytest.mark.parametrize(
    ("options", "said"),
    [({"limit": 0.0}, "limit 0.0"), ({"limit": 1.0}, "limit 1.0")],
)
def test_a_limit_that_cannot_be_tested_is_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LimitTest(**options)


def test_an_error_rate_and_a_value_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="error rate 0"):
        LimitTest(0.1, error_above=0)
    with pytest.raises(ValueError, match=r"value 1\.5"):
        LimitTest(0.1).update([1.5], [1.5])
