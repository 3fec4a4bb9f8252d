"""The page of all benchmarks holds every record, and a reason where one is known and an aim was missed."""

from experiments.results.bench_pages import (
    BENCH,
    REASONS,
    bench_record,
    speed_records,
    with_reasons,
)
from experiments.runtime.files import write_json

MISSED = {"name": "x", "ratio": 2.0, "ratios": [1.0, 2.0, 3.0], "target": 1.0, "reached": False}


def test_every_record_is_a_row_with_the_range_of_its_turns(tmp_path):
    write_json(tmp_path / "b.json", [MISSED, MISSED])
    write_json(tmp_path / "a.json", MISSED | {"name": "y"})
    rows = speed_records(tmp_path)
    assert [row.name for row in rows] == ["a: y", "b: x", "b: x"]
    assert (rows[0].value, rows[0].lower, rows[0].upper, rows[0].n) == (2.0, 1.0, 3.0, 3)


def test_a_reason_stands_where_its_aim_was_missed_and_nowhere_else(monkeypatch):
    monkeypatch.setitem(REASONS, "b: x", "Because.")
    assert "Because." in with_reasons("About.", [bench_record(MISSED, "b: ")])
    assert "Because." in with_reasons("About.", [bench_record(MISSED)], "b: ")
    reached = MISSED | {"reached": True}
    assert with_reasons("About.", [bench_record(reached, "b: ")]) == "About."


def test_every_reason_belongs_to_a_committed_record():
    names = [row.name for row in speed_records(BENCH)]
    assert all(any(name.startswith(start) for name in names) for start in REASONS)
