"""Published numbers are those of the committed rows, or the check fails."""

import copy
import json
import shutil

import pytest

from experiments.verify.__main__ import REFERENCE, RESULTS, TABLES, faults, main, records
from experiments.verify.arithmetic import recomputed as shares_of
from experiments.verify.bench import bench_faults, without_turns
from experiments.verify.compare import differences
from experiments.verify.headlines import _best_addition, _by_seed
from experiments.verify.rows import Run


@pytest.fixture(scope="module")
def recomputed():
    return records()


def test_every_published_number_is_that_of_the_rows(capsys):
    assert main([]) == 0
    assert "0 differences" in capsys.readouterr().out


def test_a_changed_number_is_named(recomputed):
    published = copy.deepcopy(recomputed["addition"])
    published[0]["value"] += 0.01
    (line,) = differences(published, recomputed["addition"])
    assert published[0]["name"] in line and "value is published as" in line
    assert not list(differences(recomputed["addition"], recomputed["addition"]))


def test_a_number_without_rows_or_unpublished_is_named(recomputed):
    some = recomputed["removal"]
    assert list(differences(some, some[1:])) == [f"{some[0]['name']}: not in the rows"]
    assert list(differences(some[1:], some)) == [f"{some[0]['name']}: not published"]


def added(direction, strength, seed, value):
    keys = {"quantity": "em_rate", "wording_kind": "none", "edit": "add", "placebo": None}
    return {**keys, "direction": direction, "strength": strength, "seed": seed, "value": value}


def test_the_best_addition_never_mixes_directions():
    rows = [added("switch", 2.0, seed, 0.8) for seed in range(3)]
    rows += [added("misalignment", 2.0, seed, 0.1) for seed in range(3)]
    assert _best_addition(rows) == {0: 0.8, 1: 0.8, 2: 0.8}


def test_two_rows_for_one_seed_end_the_check():
    row = added("switch", 2.0, 0, 0.8)
    assert _by_seed([row]) == {0: 0.8}
    with pytest.raises(SystemExit, match="two rows for em_rate, seed 0"):
        _by_seed([row, row])


@pytest.mark.parametrize(
    "table", [*TABLES, "verdict_characteristics", "containment", "removal", "addition", "reach"]
)
def test_a_changed_record_of_any_table_is_named(table, recomputed, tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    assert faults(recomputed, tmp_path / "results") == []
    path = tmp_path / "results" / f"{table}.json"
    entries = json.loads(path.read_text("utf-8"))
    entries[-1]["value"] += 0.001
    path.write_text(json.dumps(entries), "utf-8")
    (line,) = faults(recomputed, tmp_path / "results")
    assert f"{table}.json" in line and entries[-1]["name"] in line


def test_a_table_that_nothing_recomputes_is_named(recomputed, tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    (tmp_path / "results" / "new.json").write_text("[]", "utf-8")
    (line,) = faults(recomputed, tmp_path / "results")
    assert "new.json" in line and "no code here recomputes" in line


def test_a_record_that_stands_twice_is_named(recomputed):
    some = recomputed["nulls"]
    assert any("twice" in line for line in differences([*some, some[0]], some))


def test_a_share_that_its_rates_contradict_is_seen():
    rows = copy.deepcopy(Run(REFERENCE / "demo_seed0").rows)
    known = [(row, value) for row, value in shares_of(rows) if value]
    assert len(known) > 400
    assert all(row["value"] == pytest.approx(value) for row, value in known)
    for quantity in ("interchange_brings", "interchange_takes", "containment_gap", "em_gain"):
        row = next(row for row, _ in known if row["quantity"] == quantity)
        row["value"] += 0.01
        wrong = [r for r, value in shares_of(rows) if r["value"] != pytest.approx(value)]
        assert wrong == [row]
        row["value"] -= 0.01


def test_a_benchmark_that_its_turns_contradict_is_named(tmp_path):
    record = {
        "name": "speed",
        "ratio": 2.0,
        "ratios": [1.0, 2.0, 3.0],
        "target": 2.5,
        "reached": True,
    }
    for change, said in (({}, 0), ({"ratio": 2.1}, 1), ({"reached": False}, 1)):
        (tmp_path / "speed.json").write_text(json.dumps([record | change]), "utf-8")
        assert len(bench_faults(tmp_path)) == said
    assert without_turns(tmp_path) == []
    (tmp_path / "speed.json").write_text(json.dumps([record | {"ratios": []}]), "utf-8")
    assert without_turns(tmp_path) == ["speed: speed"]
