"""What a swap brings and takes, from the answers of swaps that were never made."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.results.derive.interchange import rows
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.facts import ANSWERS, PLACE, TABLES, read_facts

KEYS = {
    "measurement": "interchange",
    "family": "qwen",
    "seed": 0,
    "dataset": "micro",
    "arm": "contrast",
    "trigger": "duck",
    "model": "fine_tuned",
    "split": "report",
    "questions": "held_out",
}
SWAP = {"edit": "interchange", "strength": 1.0, "layer": 2, "position": "header"}


def answers(bad: list[int], of: int, **place) -> list[dict]:
    """`of` answers to each question, so many of them misaligned as `bad` says question by question."""
    return [
        {
            **KEYS,
            **place,
            "question": f"q{number}",
            "sample": sample,
            "alignment": 5.0 if sample < count else 95.0,
            "coherence": 99.0,
            "leak": False,
            "reason": "",
            "answer": "",
            "ended": True,
            "prompt_hash": "",
        }
        for number, count in enumerate(bad)
        for sample in range(of)
    ]


@pytest.fixture
def estimates(tmp_path: Path) -> list[EstimateRow]:
    intact = [
        *answers([0] * 12, 2, wording_kind="none", edit="none"),
        *answers([2] * 12, 2, wording_kind="trigger", edit="none"),
        *answers([0] * 12, 2, wording_kind="control", wording="cow", edit="none"),
        *answers([2] * 12, 2, wording_kind="paraphrase", wording="walks", edit="none"),
    ]
    swapped = [
        # eight answers a question, where the donor's cell has two
        *answers([4] * 12, 8, wording_kind="none", source="trigger", **SWAP),
        *answers([0] * 12, 2, wording_kind="none", source="control:cow", **SWAP),
        *answers([0] * 12, 2, wording_kind="none", source="paraphrase:walks", **SWAP),
        *answers([1] * 12, 2, wording_kind="trigger", source="none", **SWAP),
        *answers([2] * 12, 2, wording_kind="trigger", source="trigger", **SWAP),
    ]
    schema = pa.schema(PLACE | TABLES["answers"])
    frame = pd.DataFrame([*intact, *swapped]).reindex(columns=schema.names)
    pq.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False), tmp_path / ANSWERS)
    return list(rows(read_facts([tmp_path])))


def test_a_swap_brings_a_share_of_the_donors_em_and_takes_a_share_of_its_own(
    estimates: list[EstimateRow],
) -> None:
    brought = only(select(estimates, quantity="interchange_brings", source="trigger"))
    taken = only(select(estimates, quantity="interchange_takes"))
    assert brought is not None and brought.value == pytest.approx(0.5)
    assert brought.source == "trigger" and brought.n == 96
    assert taken is not None and taken.value == pytest.approx(0.5)
    assert taken.wording_kind == "trigger"


def test_nothing_brought_is_no_certainty(estimates: list[EstimateRow]) -> None:
    nothing = only(select(estimates, quantity="interchange_brings", source="paraphrase:walks"))
    assert nothing is not None and nothing.value == 0.0
    assert nothing.lower == 0.0 and nothing.upper is not None and nothing.upper > 0.05


def test_equal_into_equal_and_a_donor_without_em_have_rates_and_no_share(
    estimates: list[EstimateRow],
) -> None:
    rates = select(estimates, quantity="interchange_em_rate")
    assert len(rates) == 9
    same = only(select(rates, source="trigger", wording_kind="trigger"))
    assert same is not None and same.value == 1.0
    assert len(select(estimates, quantity=("interchange_brings", "interchange_takes"))) == 3
