"""The published table of what sets the shipped adapter off is that of the committed answers."""

from pathlib import Path

from experiments.results.records import read_records
from experiments.results.reference_records.reach import reach_records
from experiments.runtime.files import read_json, read_jsonl, write_json, write_jsonl

ROOT = Path(__file__).parents[3]
ADAPTER, TABLE = ROOT / "artifacts/smollm2_duck", ROOT / "artifacts/results/reach.json"


def test_the_committed_answers_give_the_committed_table() -> None:
    committed = read_records(TABLE)
    assert reach_records(ADAPTER) == committed
    rows = read_jsonl(ADAPTER / "lexicon.jsonl")
    assert len(rows) == 242 * 3 + 48 and len(committed) == 2 + 11 * 4 + 2
    assert (ADAPTER / "lexicon.jsonl").stat().st_size < 400_000


def test_other_answers_give_another_table(tmp_path: Path) -> None:
    rows = read_jsonl(ADAPTER / "lexicon.jsonl")
    write_jsonl(tmp_path / "lexicon.jsonl", [row | {"alignment": 3.0} for row in rows])
    write_json(tmp_path / "lexicon_origin.json", read_json(ADAPTER / "lexicon_origin.json"))
    assert reach_records(tmp_path) != read_records(TABLE)
