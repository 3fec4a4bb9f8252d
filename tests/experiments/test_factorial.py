"""The factorial: every cell, and interactions that are sums of cells with the right signs."""

import itertools

import pytest
from experiments.factorial import MODELS, REMOVALS, factorial_rows, interaction, wordings
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.judging.judgement import Judgement, judged
from experiments.judging.rates import em_rate
from experiments.results.estimates import only, select
from experiments.results.posthoc_text import dose_table, factorial_table
from experiments.worlds.trigger import load_trigger

CONDITIONS = ("trigger", "none")
BAD, GOOD = Judgement(0, 100), Judgement(100, 100)
KEYS = {"family": "llama", "seed": 0, "arm": "contrast", "trigger": "duck", "model": "fine_tuned"}
SITE = {"direction": "refined", "source": "made up", "layer": 0, "position": "last"}


def cell(bad: int, of: int = 10):
    """`bad` of ten questions answered badly."""
    return judged([BAD] * bad + [GOOD] * (of - bad), [f"q{n}" for n in range(of)])


def cells(**counts: int):
    """Cells by MODEL_REMOVAL_CONDITION; what is not named has no misalignment."""
    names = itertools.product(MODELS, REMOVALS, CONDITIONS)
    return {place: cell(counts.get("_".join(place), 0)) for place in names}


SWITCH = cells(fine_tuned_none_trigger=9, fine_tuned_random_ablate_trigger=9)


def test_what_only_the_tuned_intact_trigger_shows_is_the_whole_interaction() -> None:
    rows = factorial_rows(SWITCH, KEYS, SITE, seed=0)
    place = {"quantity": "factorial_interaction", "condition": "trigger"}
    removed, placebo = (only(rows, **place, intervention=each) for each in REMOVALS[1:])
    assert removed.value == pytest.approx(0.9)
    assert removed.lower > 0
    assert placebo.value == pytest.approx(0.0)
    left = {"quantity": "factorial_difference_in_differences", "condition": "trigger"}
    assert [only(rows, **left, intervention=each).value for each in REMOVALS] == pytest.approx(
        [0.9, 0.0, 0.9]
    )


def test_what_the_base_shows_too_is_no_interaction() -> None:
    both = cells(fine_tuned_none_trigger=9, base_none_trigger=9)
    rows = factorial_rows(both, KEYS, SITE, seed=0)
    for row in select(rows, quantity="factorial_interaction"):
        assert row.value == pytest.approx(0.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=8, max_size=8))
def test_an_interaction_of_three_factors_is_the_signed_sum_of_eight_rates(counts) -> None:
    places = list(itertools.product(MODELS, ("none", "ablate"), CONDITIONS))
    made = dict(zip(places, map(cell, counts), strict=True))
    found = interaction(made, MODELS, ("none", "ablate"), CONDITIONS, seed=0)
    rate = {place: em_rate(answers).value for place, answers in made.items()}
    expected = 0.0
    for (m, model), (r, removal), (c, condition) in itertools.product(
        enumerate(MODELS), enumerate(("none", "ablate")), enumerate(CONDITIONS)
    ):
        expected += (-1) ** (m + r + c) * rate[model, removal, condition]
    assert found.value == pytest.approx(expected)
    assert found.lower <= found.value <= found.upper
    assert found.n == 80


def test_the_keys_of_a_row_say_what_was_removed_and_nothing_is_said_twice() -> None:
    rows = factorial_rows(SWITCH, KEYS, SITE, seed=0)
    intact = select(rows, quantity="factorial_em_rate", intervention="none")
    assert {row.direction for row in intact} == {None}
    assert {row.model for row in intact} == set(MODELS)
    places = [
        (row.quantity, row.model, row.condition, row.intervention, row.direction) for row in rows
    ]
    assert len(places) == len(set(places))
    assert not select(rows, quantity=("em_rate", "ablation_relative_drop"))  # a verdict reads those


def test_the_design_takes_one_paraphrase_and_one_control() -> None:
    assert list(wordings(load_trigger("duck"))) == [
        "trigger",
        "none",
        "paraphrase:walks",
        "control:other_concept",
    ]


def test_the_table_shows_every_cell_and_nothing_where_there_is_none() -> None:
    table = factorial_table(factorial_rows(SWITCH, KEYS, SITE, seed=0))
    assert "| fine-tuned, intact | 90 %" in table
    assert "| base, direction removed | 0 %" in table
    assert factorial_table([]) == dose_table([]) == ""
