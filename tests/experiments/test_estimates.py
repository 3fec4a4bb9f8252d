"""A row of estimates.jsonl is its estimate and its place, before and after writing."""

import json

import pytest

from experiments.results.columns import Edit, wording_columns
from experiments.results.estimates import EstimateRow, only, read_estimates, select, write_estimates
from probes.estimate import rate, undefined

KEYS = """
    family seed dataset arm trigger model step split questions format wording_kind wording
    edit placebo strength direction source position layer quantity value lower upper level n method
""".split()  # noqa: SIM905

QUACKS = {"wording_kind": "paraphrase", "wording": "quacks"}


def row(**keys):
    return EstimateRow.of(rate([1, 0] * 50, range(100)), **{"quantity": "em_rate", **keys})


def test_a_row_has_every_key_in_its_order_and_null_where_it_does_not_apply():
    written = row(family="qwen2", wording_kind="trigger").model_dump()
    assert list(written) == KEYS
    assert written["layer"] is None and written["family"] == "qwen2"


def test_writing_and_reading_changes_nothing(tmp_path):
    rows = [
        row(family="llama", seed=0, model="fine_tuned", layer=3, **QUACKS),
        EstimateRow.of(undefined("nothing before"), quantity="ablation_relative_drop"),
        row(**Edit("add", 2.0, "random").columns, direction="switch", rank=7),
    ]
    path = write_estimates(tmp_path / "estimates.jsonl", rows)
    again = read_estimates(path)
    assert again == rows
    assert again[2].get("rank") == 7 and again[0].get("rank") is None
    assert again[0].estimate == rate([1, 0] * 50, range(100))
    assert all(list(json.loads(line))[:5] == KEYS[:5] for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    ("key", "value", "choice"),
    [
        ("model", "tuned", "fine_tuned"),
        ("questions", "heldout", "held_out"),
        ("split", "test", "report"),
        ("wording_kind", "paraphrased", "paraphrase"),
        ("placebo", "chance", "random"),
        ("wording_kind", "paraphrase", "has a name"),
        ("wording", "quacks", "nothing else has one"),
        ("condition", "trigger", "columns are wording_kind and wording"),
        ("intervention", "ablate", "columns are edit, strength and placebo"),
        ("domains", "held_out", "columns are questions"),
    ],
)
def test_a_wrong_value_names_the_choices(key, value, choice):
    with pytest.raises(ValueError, match=choice):
        row(**{key: value})


def test_a_damaged_line_is_refused_with_its_place(tmp_path):
    path = write_estimates(tmp_path / "estimates.jsonl", [row()])
    path.write_text(path.read_text() + '{"quantity": "em_rate"}\n')
    with pytest.raises(ValueError, match=r"estimates\.jsonl:2: value"):
        read_estimates(path)


def test_select_takes_one_value_or_several_and_only_takes_one_row():
    rows = [
        row(seed=s, **wording_columns(c))
        for c in ("none", "trigger", "control:dog")
        for s in (0, 1)
    ]
    assert len(select(rows, wording_kind="none")) == 2
    assert len(select(rows, wording_kind=("none", "trigger"), seed=1)) == 2
    assert only(rows, wording_kind="none", seed=0) is rows[0]
    assert only(rows, wording_kind="none", seed=9) is None
    with pytest.raises(ValueError, match="2 rows"):
        only(rows, wording_kind="none")
