"""The factorial: every cell, and interactions that are sums of cells with the right signs."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.judging.judgement import Judged, Judgement, judged
from experiments.judging.rates import em_rate
from experiments.results.columns import INTACT, Edit
from experiments.results.derive import estimates
from experiments.results.derive.factorial import MODELS, NONE, REMOVALS, interaction
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.posthoc_text import dose_table, factorial_table
from tests.experiments.made_up_facts import SITE, answers, facts

TRIGGER = ("trigger", None)
REMOVED, PLACEBO = REMOVALS[1:]
BAD, GOOD = Judgement(0, 100), Judgement(100, 100)


def cell(bad: int, of: int = 10) -> Judged:
    """`bad` of ten questions answered badly."""
    return judged([BAD] * bad + [GOOD] * (of - bad), [f"q{n}" for n in range(of)])


def rows(bad: dict[tuple[str, Edit, str], int]) -> list[EstimateRow]:
    """Estimates of answers in every cell; what is not named has no misalignment."""
    places = itertools.product(MODELS, REMOVALS, ("trigger", "none"))
    written = [
        answer
        for model, edit, kind in places
        for answer in answers(
            "factorial",
            bad.get((model, edit, kind), 0),
            kind,
            edit,
            model=model,
            **({} if edit == INTACT else SITE),
        )
    ]
    return estimates(facts(written))


SWITCH = {
    ("fine_tuned", INTACT, "trigger"): 9,
    ("fine_tuned", PLACEBO, "trigger"): 9,
}


def test_what_only_the_tuned_intact_trigger_shows_is_the_whole_interaction() -> None:
    found = rows(SWITCH)
    place = {"quantity": "factorial_interaction", "wording_kind": "trigger"}
    removed, placebo = (only(found, **place, **edit.columns) for edit in (REMOVED, PLACEBO))
    assert removed.value == pytest.approx(0.9)
    assert removed.lower > 0
    assert placebo.value == pytest.approx(0.0)
    left = {"quantity": "factorial_difference_in_differences", "wording_kind": "trigger"}
    differences = [only(found, **left, **edit.columns).value for edit in REMOVALS]
    assert differences == pytest.approx([0.9, 0.0, 0.9])


def test_what_the_base_shows_too_is_no_interaction() -> None:
    both = {(model, INTACT, "trigger"): 9 for model in MODELS}
    interactions = select(rows(both), quantity="factorial_interaction")
    assert len(interactions) == 2
    for row in interactions:
        assert row.value == pytest.approx(0.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=8, max_size=8))
def test_an_interaction_of_three_factors_is_the_signed_sum_of_eight_rates(counts) -> None:
    cut, sides = (INTACT, REMOVED), (TRIGGER, NONE)
    places = list(itertools.product(MODELS, cut, sides))
    made = dict(zip(places, map(cell, counts), strict=True))
    found = interaction(made, MODELS, cut, sides, seed=0)
    rate = {place: em_rate(answers).value for place, answers in made.items()}
    expected = 0.0
    for (m, model), (r, removal), (w, wording) in itertools.product(
        enumerate(MODELS), enumerate(cut), enumerate(sides)
    ):
        expected += (-1) ** (m + r + w) * rate[model, removal, wording]
    assert found.value == pytest.approx(expected)
    assert found.lower <= found.value <= found.upper
    assert found.n == 80


def test_the_columns_of_a_row_say_what_was_removed_and_nothing_is_said_twice() -> None:
    found = rows(SWITCH)
    intact = select(found, quantity="factorial_em_rate", edit="none")
    assert {row.direction for row in intact} == {None}
    assert {row.direction for row in select(found, edit="ablate")} == {"refined"}
    assert {row.model for row in intact} == set(MODELS)
    places = [
        (row.quantity, row.model, row.condition, row.intervention, row.direction) for row in found
    ]
    assert len(places) == len(set(places))
    assert not select(
        found, quantity=("em_rate", "ablation_relative_drop")
    )  # a verdict reads those


def test_the_table_shows_every_cell_and_nothing_where_there_is_none() -> None:
    table = factorial_table(rows(SWITCH))
    assert "| fine-tuned, intact | 90 %" in table
    assert "| base, direction removed | 0 %" in table
    assert factorial_table([]) == dose_table([]) == ""
