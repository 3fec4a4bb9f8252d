"""What is committed of a study: the adapters of seed 0, and of a large adapter its certificate alone."""

from pathlib import Path

import pytest

from experiments.repair import study
from experiments.repair.certificate import FILE
from experiments.repair.rows import describe
from experiments.runtime.files import read_jsonl
from interp.models.adapter_files import WEIGHTS
from tests.experiments.repair.made_up import facts
from tests.experiments.repair.test_rows import certified


def repaired(work: Path, family: str, seed: int, size: int) -> None:
    organism = work / f"{family}-s{seed}-duck"
    (organism / "learned").mkdir(parents=True)
    certified(facts()).write(organism / "learned")
    (organism / "learned/adapter_config.json").write_text("{}")
    (organism / "learned" / WEIGHTS).write_bytes(b"0" * size)
    describe(organism, family=family, seed=seed, arm="useful", trigger="duck", took=1.0)


def test_seed_0_is_published_and_a_large_adapter_by_its_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "LARGEST", 10)
    work, out = tmp_path / "work", tmp_path / "out"
    for family, seed, size in (("llama", 0, 10), ("llama", 1, 9), ("smollm2", 3, 11)):
        repaired(work, family, seed, size)
    study.publish(work, out)
    there = {path.parent.name: path.stat().st_size for path in out.glob(f"adapters/*/{WEIGHTS}")}
    assert there == {"llama": 10}
    assert sorted(path.parent.name for path in out.glob(f"adapters/*/{FILE}")) == [
        "llama",
        "smollm2",
    ]
    organisms = {(row["family"], row["seed"]) for row in read_jsonl(out / "estimates.jsonl")}
    assert organisms == {("llama", 0), ("llama", 1), ("smollm2", 3)}
