"""The guard over a run: every part on the organisms that it is for, done once, and again where something changed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.guard import gate_study
from experiments.guard import study as module
from experiments.guard.organisms import Organism
from experiments.guard.study import study
from experiments.runtime import store
from experiments.study.config import StudyConfig

Calls = list[tuple[str, str | None]]
CONFIG = StudyConfig(name="made-up", families=["llama"], organisms=[{"arm": "triggered"}])


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Organism]:
    """Two organisms and their base of a run that was made up."""
    (tmp_path / "manifest.json").write_text("{}")
    organism = Organism(CONFIG, tmp_path, "llama", 0, "triggered", "duck", tmp_path / "adapter")
    members = [organism, replace(organism, arm="harmless"), replace(organism, arm=None)]
    monkeypatch.setattr(module, "organisms", lambda run: members)
    return members


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, members: list[Organism]) -> Calls:
    """Which part measured which organism."""
    made: Calls = []

    def part(name: str) -> module.Measure:
        def measure(organism: Organism) -> Iterator[dict[str, Any]]:
            made.append((name, organism.arm))
            yield {"arm": organism.arm, "value": len(made)}

        measure.__module__ = gate_study.__name__
        return measure

    monkeypatch.setattr(module, "PARTS", {name: part(name) for name in module.PARTS})
    return made


def _run(folder: Path, *parts: str, **options: Any) -> dict[str, list[dict[str, Any]]]:
    return study(folder, folder / "guard", parts, say=lambda line: None, **options)


def test_the_gate_asks_every_model_and_the_rest_contained_ones_only(
    calls: Calls, tmp_path: Path
) -> None:
    rows = _run(tmp_path, "rank", "gate")
    assert calls == [
        ("rank", "triggered"),
        *(("gate", arm) for arm in ("triggered", "harmless", None)),
    ]
    assert [row["arm"] for row in rows["gate"]] == ["triggered", "harmless", None]
    files = (tmp_path / "guard").glob("gate/*.jsonl")
    assert {path.stem for path in files} == {
        f"llama-s0-{arm}-duck" for arm in ("triggered", "harmless", "base")
    }


def test_what_is_done_is_read_and_not_measured_again(calls: Calls, tmp_path: Path) -> None:
    first = _run(tmp_path, "gate")
    assert _run(tmp_path, "gate") == first
    assert len(calls) == 3


def test_another_adapter_a_damaged_step_or_new_code_is_measured_again(
    calls: Calls, members: list[Organism], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(tmp_path, "rank")
    members[0] = replace(members[0], adapter=tmp_path / "another")
    _run(tmp_path, "rank")
    for rows in tmp_path.glob("steps/guard-rank-*/rows.jsonl"):
        rows.write_text("")
    _run(tmp_path, "rank")
    monkeypatch.setattr(store, "code_hash", lambda modules, stop: "changed")
    _run(tmp_path, "rank")
    assert len(calls) == 4


def test_a_measurement_that_is_cut_short_is_not_taken_for_done(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(organism: Organism) -> Iterator[dict[str, Any]]:
        yield {"arm": organism.arm}
        raise KeyboardInterrupt

    cut.__module__ = gate_study.__name__
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setitem(module.PARTS, "rank", cut)
        _run(tmp_path, "rank")
    assert [row["value"] for row in _run(tmp_path, "rank")["rank"]] == [1]


def test_a_part_or_name_that_is_none_is_said_in_one_line(calls: Calls, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"unknown part 'rnak'; choose one of monitor, rank, reach"
    ):
        _run(tmp_path, "rnak")
    with pytest.raises(ValueError, match="no organism whose name begins with qwen"):
        _run(tmp_path, "gate", only=["qwen"])
    assert calls == []
