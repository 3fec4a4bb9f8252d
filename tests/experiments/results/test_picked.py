"""What was picked for being the largest has an interval that holds for all it was picked from."""

import math

import pytest

from experiments.results.estimates import EstimateRow
from experiments.results.picked import highest, limits_of, lowest, picked


def row(value: float, quantity: str = "em_rate") -> EstimateRow:
    numbers = {"value": value, "lower": value - 0.1, "upper": value + 0.1, "level": 0.95, "n": 100}
    return EstimateRow(quantity=quantity, method="made up", **numbers)


def test_the_highest_of_several_is_wider_than_its_own_row_and_of_one_is_not() -> None:
    rows = [row(0.3), row(0.5), row(0.4)]
    best = highest(rows)
    assert best.value == 0.5 and (best.lower, best.upper) != (rows[1].lower, rows[1].upper)
    assert best.lower < 0.4 and best.upper > 0.6
    assert best.method == "made up; simultaneous over 3 (Bonferroni)"
    assert highest(rows[:1]) == rows[0]


def test_the_lowest_is_picked_and_a_share_stays_a_share() -> None:
    rows = [row(0.11), row(0.5)]
    assert lowest(rows).value == 0.11
    assert lowest(rows).lower == 0
    assert lowest([row(0.11, "em_gain"), row(0.5, "em_gain")]).lower < 0


@pytest.mark.parametrize(
    ("quantity", "limits"),
    [
        ("domain_clustered_em_rate", (0, 1)),
        ("probe_auroc", (0, 1)),
        ("ablation_relative_drop", (-math.inf, 1)),
        ("interchange_brings", (0, math.inf)),
        ("em_gain", (-math.inf, math.inf)),
    ],
)
def test_an_interval_never_leaves_where_its_quantity_can_lie(quantity: str, limits) -> None:
    assert limits_of(quantity) == limits


def test_the_more_it_was_picked_from_the_wider() -> None:
    widths = [picked(row(0.5, "em_gain"), among) for among in (1, 2, 12, 40)]
    spans = [wide.upper - wide.lower for wide in widths]
    assert spans == sorted(spans) and len(set(spans)) == 4
