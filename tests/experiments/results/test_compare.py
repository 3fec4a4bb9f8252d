"""Two runs of one study: equal, within, outside and apart are told apart, and so are choices that flipped."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from experiments.results.compare import Comparison, compare
from experiments.results.compare_text import print_comparison
from experiments.results.estimates import EstimateRow
from probes.estimate import Estimate

KEYS = {"family": "qwen", "seed": 0, "dataset": "micro", "arm": "contrast", "trigger": "duck"}
VERDICT = {**KEYS, "contained": "yes", "sentence": "long", "switch": {"located": "yes"}}


def row(value: float, wording: str = "none", half: float = 0.05, **columns) -> EstimateRow:
    estimate = Estimate(value, value - half, value + half, 0.95, 100, "made up")
    return EstimateRow.of(estimate, quantity="em_rate", wording_kind=wording, **KEYS, **columns)


def removed(value: float, layer: int) -> EstimateRow:
    site = {"source": "logistic", "position": "last", "layer": layer}
    return row(value, "trigger", edit="ablate", direction="switch", **site)


def text_of(found: Comparison, *, wide: bool = False) -> str:
    out = io.StringIO()
    print_comparison(found, Console(file=out, width=100), wide=wide)
    return out.getvalue()


@pytest.mark.parametrize(
    ("other", "kind"), [(0.5, "equal"), (0.53, "within"), (0.58, "outside"), (0.7, "apart")]
)
def test_numbers_are_told_apart_by_their_intervals(other: float, kind: str) -> None:
    found = compare([row(0.5)], [row(other)])
    assert [each.kind for each in found.differences] == [kind]
    assert found.counts[kind] == 1 and not found.flips


def test_a_direction_is_compared_with_itself_wherever_each_run_found_it() -> None:
    found = compare([removed(0.1, 0)], [removed(0.1, 3)])
    assert [each.kind for each in found.differences] == ["equal"]
    assert [(f.what, f.first, f.second) for f in found.flips] == [
        ("switch, ablate", "logistic, last, 0", "logistic, last, 3")
    ]


def test_read_outs_of_two_layers_are_two_places() -> None:
    rows = [replace_quantity(removed(0.5, layer)) for layer in (0, 1)]
    found = compare(rows, rows[:1])
    assert len(found.differences) == 1 and found.only_first == (rows[1],)


def replace_quantity(given: EstimateRow) -> EstimateRow:
    return given.model_copy(update={"quantity": "probe_auroc", "edit": None})


def test_the_line_of_a_row_and_columns_that_say_nothing_do_not_tell_rows_apart() -> None:
    found = compare([row(0.5, line=3)], [row(0.5, line=8, format=None)])
    assert [each.kind for each in found.differences] == ["equal"]
    told_apart = compare([row(0.5, measure="words")], [row(0.5, measure="meaning")])
    assert not told_apart.differences


def test_words_of_verdicts_are_compared_and_sentences_are_not() -> None:
    other = VERDICT | {"sentence": "longer", "switch": {"located": "no"}}
    found = compare([], [], ([VERDICT], [other]))
    assert [(flip.what, flip.first, flip.second) for flip in found.flips] == [
        ("switch.located", "yes", "no")
    ]
    assert not compare([], [], ([VERDICT], [VERDICT])).flips


def test_the_text_counts_everything_and_names_what_is_apart() -> None:
    rows = [row(0.5, wording) for wording in ("none", "trigger")]
    found = compare(rows, [row(0.5), row(0.9, "trigger")], ([VERDICT], [VERDICT]))
    text = text_of(found)
    assert "2 numbers are in both runs:" in text
    assert "qwen, contrast, em_rate, trigger" in text
    assert "0 choices or words of a verdict differ." in text
    same = text_of(replace(found, differences=found.differences[:1]))
    assert "em_rate" not in same
