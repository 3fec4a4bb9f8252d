"""Untrusted text becomes inert without losing its words; numbers never lose their interval."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.dashboard.inert import markup
from experiments.results.estimates import EstimateRow
from experiments.results.format import counts, percent, spread
from experiments.runtime.untrusted_text import HIDDEN, inert


def row(value: float | None, lower: float | None = 0.8, upper: float | None = 0.9) -> EstimateRow:
    numbers = {"value": value, "lower": lower, "upper": upper, "level": 0.95, "n": 240}
    return EstimateRow.model_validate({"quantity": "em_rate", "method": "made up", **numbers})


@settings(deadline=None)
@given(st.text())
def test_inert_text_has_no_hidden_character(text: str) -> None:
    kept = [character for character in inert(text) if character not in "\n\t"]
    assert not {unicodedata.category(character) for character in kept} & HIDDEN


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=200))
def test_visible_text_is_left_as_it_is(text: str) -> None:
    assert inert(text) == text


@settings(deadline=None)
@given(st.text())
def test_markup_has_no_character_that_means_something_to_html(text: str) -> None:
    assert not set(markup(text)) & set("<>\"'")


@pytest.mark.parametrize("hidden", ["\u202e", "\x1b", "\u2028", "\u200b", "\ud800", "\r"])
def test_a_hidden_character_is_shown_as_its_code_point(hidden: str) -> None:
    assert inert(f"a{hidden}b") == f"a⟨U+{ord(hidden):04X}⟩b"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert inert("x" * 100_000, 10) == "x" * 10 + " … (99,990 more characters)"


def test_numbers_come_with_their_interval() -> None:
    assert percent(row(0.86)) == "86 % [80, 90]"
    assert percent(row(0.86), sign="") == "86 [80, 90]"
    assert percent(row(None, None, None)) == percent(None) == "n/a"
    assert spread([row(0.86)]) == "86 % [80, 90]"
    assert spread([row(0.86), row(None), row(0.79)]) == "79 to 86 %"
    assert spread([]) == "n/a"
    assert counts([row(0.5), row(0.6)]) == "n = 240"
