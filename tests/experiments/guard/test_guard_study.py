"""The guard over a run: every part on the organisms that it is for, done once, and again where something changed."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.guard import study as module
from experiments.guard.organisms import Organism
from experiments.guard.study import study

Calls = list[tuple[str, str]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    """Which part measured which organism; two organisms and their base, all made up."""
    made: Calls = []
    tuned = [_organism(tmp_path, arm) for arm in ("triggered", "harmless")]
    base = Organism("llama", 0, "base", "duck", None)
    base.__dict__["setting"] = SimpleNamespace(identity={"base": "abc"})

    def part(name: str) -> SimpleNamespace:
        def measure(organism: Organism) -> Iterator[dict[str, Any]]:
            made.append((name, organism.arm))
            yield {"arm": organism.arm, "value": len(made)}

        return SimpleNamespace(measure=measure)

    monkeypatch.setattr(module, "organisms", lambda run: [*tuned, base])
    monkeypatch.setattr(module, "import_module", lambda name: part(name.rpartition(".")[2]))
    return made


def _organism(folder: Path, arm: str) -> Organism:
    adapter = folder / arm
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(arm.encode())
    return Organism("llama", 0, arm, "duck", adapter)


def _run(folder: Path, *parts: str, **options: Any) -> dict[str, list[dict[str, Any]]]:
    return study(folder, folder / "guard", parts, say=lambda line: None, **options)


def test_the_gate_asks_every_model_and_the_rest_contained_ones_only(
    calls: Calls, tmp_path: Path
) -> None:
    found = _run(tmp_path, "rank", "gate")
    assert calls == [
        ("rank_study", "triggered"),
        *(("gate_study", arm) for arm in ("triggered", "harmless", "base")),
    ]
    assert [row["arm"] for row in found["gate"]] == ["triggered", "harmless", "base"]


def test_what_is_done_is_read_and_not_measured_again(calls: Calls, tmp_path: Path) -> None:
    first = _run(tmp_path, "gate")
    assert _run(tmp_path, "gate") == first
    assert len(calls) == 3


def test_another_adapter_or_lost_record_or_new_code_is_measured_again(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(tmp_path, "rank")
    (tmp_path / "triggered" / "adapter_model.safetensors").write_bytes(b"another")
    _run(tmp_path, "rank")
    (tmp_path / "guard" / "rank" / "llama-s0-triggered-duck.json").unlink()
    _run(tmp_path, "rank")
    monkeypatch.setattr(module, "_code", lambda: {"rank.py": "changed"})
    _run(tmp_path, "rank")
    assert len(calls) == 4


def test_a_measurement_that_is_cut_short_is_not_taken_for_done(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(organism: Organism) -> Iterator[dict[str, Any]]:
        yield {"arm": organism.arm}
        raise KeyboardInterrupt

    whole = module.import_module
    monkeypatch.setattr(module, "import_module", lambda name: SimpleNamespace(measure=cut))
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, "rank")
    monkeypatch.setattr(module, "import_module", whole)
    assert [row["value"] for row in _run(tmp_path, "rank")["rank"]] == [1]


def test_a_part_or_name_that_is_none_is_said_in_one_line(calls: Calls, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"part 'rnak' is none of monitor, rank, reach"):
        _run(tmp_path, "rnak")
    with pytest.raises(ValueError, match="no organism's name begins with qwen"):
        _run(tmp_path, "gate", only=["qwen"])
    assert calls == []
