"""The benchmark of workers refuses to compare runs that found different things; its study has the tasks it counts."""

import pytest

from experiments.benchmarks import workers
from experiments.benchmarks.tiny_runs import with_organisms
from experiments.study.config import load_config
from experiments.study.organism import organisms_of
from interp.errors import TriggerLensError


def test_other_estimates_are_no_comparison(tmp_path):
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "estimates.jsonl").write_text("same")
    workers.check_same(tmp_path, ["1", "2"])
    (tmp_path / "2" / "estimates.jsonl").write_text("other")
    with pytest.raises(TriggerLensError, match="2 workers: other estimates"):
        workers.check_same(tmp_path, ["1", "2"])


def test_a_base_and_an_organism_for_each_seed(tmp_path):
    config = with_organisms(load_config("smoke"), 4)
    arms = [organism.arm for organism in organisms_of(config, tmp_path)]
    assert arms == [None] * 4 + ["contrast"] * 4
    assert len(arms) + 4 == workers.TASKS  # comparisons


def test_an_empty_task_takes_less_than_any_task(monkeypatch):
    monkeypatch.setattr(workers, "EMPTY", 2)
    assert len(workers.overheads()) == workers.TURNS
