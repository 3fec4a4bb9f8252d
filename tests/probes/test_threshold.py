"""A threshold keeps its rate of false positives, says how sure that is, and drift is seen."""

import numpy as np
import pytest

from probes.intervals import clopper_pearson
from probes.threshold import drift, share_above, threshold_at


def test_new_benign_scores_lie_above_no_oftener_than_wanted() -> None:
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(2000):
        rates.append(1 - threshold_at(rng.uniform(size=199), 0.02).value)
    assert 0.019 < np.mean(rates) < 0.021  # split conformal: 0.02 on average over draws


def test_the_interval_of_the_rate_holds_the_rate() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(300):
        found = threshold_at(rng.uniform(size=200), 0.05)
        held.append(found.benign.lower <= 1 - found.value <= found.benign.upper)
    assert np.mean(held) >= 0.93


def test_the_threshold_is_one_of_the_scores_and_its_share_is_counted_exactly() -> None:
    scores = np.arange(200.0)
    found = threshold_at(scores, 0.01)
    assert found.value == 198.0
    assert found.benign.value == 1 / 200
    assert (found.benign.lower, found.benign.upper) == clopper_pearson(1, 200, 0.95)


@pytest.mark.parametrize(("count", "enough"), [(98, False), (99, True)])
def test_too_few_benign_prompts_are_refused_with_how_many_it_takes(
    count: int, enough: bool
) -> None:
    if enough:
        assert threshold_at(range(count), 0.01).value == 98
        return
    with pytest.raises(ValueError, match="at least 99 benign prompts, but there are 98"):
        threshold_at(range(count), 0.01)


@pytest.mark.parametrize("scores", [[1.0, float("nan")], [[1.0, 2.0]]])
def test_what_is_no_list_of_numbers_is_refused(scores: list) -> None:
    with pytest.raises(ValueError, match="one finite number"):
        threshold_at(scores, 0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold_at([1.0, 2.0], 1.0)


def test_scores_that_moved_are_seen_and_scores_that_did_not_are_not() -> None:
    rng = np.random.default_rng(2)
    benign = rng.normal(size=200)
    moved = drift(benign, rng.normal(1.0, size=100), 2.0)
    wider = drift(benign, rng.normal(0, 4, size=300), 2.0)
    same = drift(benign, rng.normal(size=100), 2.0)
    assert moved.above_benign.lower > 0.6 and moved.p_value < 1e-4
    assert wider.p_value < 1e-4 and wider.above_benign.lower < 0.5 < wider.above_benign.upper
    assert same.above_benign.lower < 0.5 < same.above_benign.upper and same.p_value > 0.01
    assert share_above([], 0.0).value is None
    with pytest.raises(ValueError, match="at least one"):
        drift(benign, [], 0.0)
