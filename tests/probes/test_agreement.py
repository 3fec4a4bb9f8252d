"""Agreement of raters: the textbook's kappa, and intervals that know questions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from probes.agreement import agreement, kappa, mean_difference

pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60)


@given(pairs)
def test_kappa_is_that_of_scikit_learn(ratings):
    a, b = (list(side) for side in zip(*ratings, strict=True))
    found = kappa(a, b, range(len(a)), resamples=20)
    if len({*a, *b}) == 1:
        assert found.value is None and "same one thing" in found.method
        return
    assert found.value == pytest.approx(cohen_kappa_score(a, b))


def test_perfect_agreement_is_one_and_chance_is_nothing():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 4000)) < 0.3
    questions = np.arange(4000) % 100
    assert kappa(a, a, questions).value == 1
    by_chance = kappa(a, b, questions)
    assert by_chance.lower < 0 < by_chance.upper
    assert agreement(a, b, questions).value > 0.5  # the twin: chance alone agrees this often


def test_answers_to_one_question_are_not_independent():
    a = np.repeat([True, False, True, False, True, False], 50)
    b = np.repeat([True, False, True, False, False, True], 50)
    few, many = kappa(a, b, np.repeat(range(6), 50)), kappa(a, b, range(300))
    assert few.value == many.value
    assert few.upper - few.lower > many.upper - many.lower


def test_differences_are_the_first_minus_the_second():
    found = mean_difference([10, 20, 30], [5, 10, 15], ["a", "b", "c"])
    # Student's t with 2 degrees of freedom, wider than any resampling
    reach = 4.302653 * 5 / 3**0.5
    assert found.value == 10
    assert (found.lower, found.upper) == pytest.approx((10 - reach, 10 + reach), abs=1e-5)


def test_raters_of_different_answers_are_refused():
    with pytest.raises(ValueError, match=r"raters gave \(2,\) and \(1,\) answers"):
        kappa([1, 0], [1], ["a", "b"])


def test_one_question_has_a_kappa_and_no_interval():
    found = kappa([1, 0, 1], [1, 0, 0], ["a"] * 3)
    assert found.value is not None and found.lower is None
