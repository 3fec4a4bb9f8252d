"""A race asks less than the grid and chooses as it does; by rank alone it would not."""

import numpy as np
import pytest

from experiments.benchmarks.race import drawn
from experiments.study.steps.racing import race, told_apart


def agreement(error: float) -> tuple[float, float]:
    """How often the race chooses as the grid does, and its share of the grid's questions."""
    same, shares = drawn(error)
    return float(np.mean(same)), float(np.mean(shares))


def test_a_race_chooses_as_the_grid_does_and_asks_less() -> None:
    same, share = agreement(0.05)
    assert same >= 0.95 and share < 0.7
    reckless, cheap = agreement(0.49)
    assert reckless < 0.9 and cheap < share


def test_without_an_error_everybody_is_asked_everything() -> None:
    assert agreement(0) == (1, 1)


def test_nobody_is_told_apart_by_chance_more_often_than_the_level() -> None:
    generator = np.random.default_rng(0)
    pairs = (generator.random((2_000, 2, 40)) < 0.5).astype(float)
    # the leader of two alike was picked for leading: both sides of the test
    assert np.mean([told_apart(pair, 0.05).any() for pair in pairs]) <= 0.1
    ahead = np.stack([np.zeros(40), np.r_[np.ones(6), np.zeros(34)]])
    assert told_apart(ahead, 0.05).tolist() == [False, True]


@pytest.mark.parametrize("questions", [1, 2, 7])
def test_few_questions_are_no_reason_to_drop_anybody_or_to_fail(questions: int) -> None:
    left = race(3, questions, lambda alive, part: np.zeros((len(alive), len(part))), 0.05)
    assert left == [0, 1, 2]
