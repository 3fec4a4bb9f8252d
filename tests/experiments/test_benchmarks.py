"""Benchmarks are found by their file, and what they leave says whether the target was reached."""

import json
from pathlib import Path

import pytest
import torch

from experiments.benchmarks import gpu
from experiments.benchmarks.__main__ import benchmarks, main
from experiments.benchmarks.paired import ratios, record, seconds
from interp.errors import TriggerLensError

BENCH = Path(__file__).parents[2] / "artifacts" / "bench"


def test_every_benchmark_is_found_by_its_name():
    assert {"capture", "sampling"} <= set(benchmarks())
    assert "paired" not in benchmarks()
    with pytest.raises(ValueError, match=r"no benchmark 'nonsense'; there are .*capture"):
        main(["nonsense"])


def test_what_takes_an_hour_runs_only_when_it_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ran = []

    def module(name):
        made = {"name": name, "ratio": 1.0, "target": 2.0, "reached": True}
        return type("Quick", (), {"run": staticmethod(lambda: ran.append(name) or made)})

    known = {name: (lambda name=name: module(name)) for name in ("gpu", "make", "sae")}
    monkeypatch.setattr("experiments.benchmarks.__main__.benchmarks", lambda: known)
    main([])
    assert ran == ["sae"]
    main(["make"])
    assert ran == ["sae", "make"]


def test_a_record_is_the_median_and_says_whether_the_target_was_reached():
    assert record("x", [0.9, 3.0, 1.0], 1.0)["ratio"] == 1.0
    assert record("x", [0.9, 3.0, 1.0], 1.0)["reached"]
    assert not record("x", [1.1], 1.0)["reached"]


def test_things_are_measured_in_turn_and_the_first_turn_is_not_counted():
    calls = []
    things = {name: (lambda name=name: calls.append(name)) for name in "ab"}
    taken = seconds(things, 2)
    assert calls == ["a", "b"] * 3 and [len(each) for each in taken.values()] == [2, 2]
    assert ratios({"a": [1.0, 3.0], "b": [2.0, 2.0]}, "a", "b") == [0.5, 1.5]


@pytest.mark.parametrize("path", sorted(BENCH.glob("*.json")), ids=lambda path: path.name)
def test_the_committed_records_are_whole(path):
    found = json.loads(path.read_text())
    for each in [found] if isinstance(found, dict) else found:
        assert {"name", "ratio", "target", "reached"} <= set(each)
        # a record may ask for more than its ratio, such as draws enough; never for less
        assert each["ratio"] <= each["target"] or not each["reached"]


def test_a_record_is_kept_with_what_made_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = {"name": "x", "ratio": 1.0, "target": 2.0, "reached": True}
    module = type("Quick", (), {"run": staticmethod(lambda: made)})
    monkeypatch.setattr(
        "experiments.benchmarks.__main__.benchmarks", lambda: {"quick": lambda: module}
    )
    main(["quick"])
    [kept] = json.loads((tmp_path / "artifacts/bench/quick.json").read_text())
    assert made.items() <= kept.items()
    assert kept["command"] == "triggerlens bench quick"
    assert len(kept["date"]) == 10 and len(kept["commit"] or "0" * 40) == 40


@pytest.mark.skipif(torch.cuda.is_available(), reason="refused only where there is no GPU")
def test_the_benchmark_of_large_models_is_refused_without_a_gpu():
    with pytest.raises(TriggerLensError, match="no GPU here"):
        next(gpu.run())


@pytest.mark.parametrize("name", gpu.MODELS)
def test_the_benchmark_of_large_models_does_all_its_work_on_a_tiny_one(name, monkeypatch):
    for constant, small in (("TURNS", 1), ("PROMPTS", 2), ("NEW", 2), ("PAIRS", 2)):
        monkeypatch.setattr(gpu, constant, small)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "vocab_size": 8192}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    lm = gpu.random_weights(name, "cpu", torch.float32, **sizes, **heads)
    records = {each["name"]: each for each in gpu.measured(name, lm)}
    kinds = ("capture", "patching", "sampling", "steering", "LoRA step")
    assert list(records) == [f"{name}, {kind}" for kind in kinds]
    assert all(each["tokens_per_second_ours"] > 0 for each in records.values())
    assert {each["card"] for each in records.values()} == {gpu.card()}
