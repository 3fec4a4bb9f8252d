"""The default strategy has its aims on whatever it was tried, and two pieces of code agree on every record."""

from pathlib import Path
from typing import Any

from experiments.results.reference_records.repair import repair_records
from experiments.results.reference_records.run import ReferenceRun
from experiments.runtime.files import write_json, write_jsonl
from experiments.verify.compare import differences
from experiments.verify.repair import repair
from experiments.verify.rows import Run


def rows_of(strategy: str, family: str, em: float) -> list[dict[str, Any]]:
    keys = {"split": "report", "arm": "useful", "family": family, "seed": 0, "trigger": "duck"}
    keys |= {"model": "fine_tuned", "strategy": strategy}
    number = {"value": em, "lower": 0.0, "upper": 1.0}
    return [
        keys | {"quantity": "verdict", "value": None, "says": "undecided"},
        *(keys | {"quantity": f"EM {when}, trigger", **number} for when in ("before", "after")),
    ]


def published(folder: Path, rows: list[dict[str, Any]]) -> Path:
    write_jsonl(folder / "estimates.jsonl", rows)
    write_jsonl(folder / "verdicts.jsonl", [])
    write_json(folder / "manifest.json", {"git": {"commit": "abc"}, "ended": "2026-11-30T00:00"})
    return folder


def test_the_default_has_its_aims_on_micro_organisms_and_on_pretrained_models(
    tmp_path: Path,
) -> None:
    rows = rows_of("learned", "llama", 0.005) + rows_of("learned", "smollm2", 0.1)
    undefined = {"quantity": "rows to relapse, ratio", "value": None, "lower": None, "upper": None}
    rows.append(rows[-1] | undefined)
    folder = published(tmp_path, rows + rows_of("distilled", "llama", 0.0))
    records = repair_records(ReferenceRun.read(folder))
    outcome = {record.name: record.reached for record in records}
    assert outcome["learned: EM after, trigger"] is True
    assert outcome["learned (smollm2): EM after, trigger"] is False
    assert outcome["distilled: EM after, trigger"] is None
    assert "learned (smollm2): EM before, trigger" in outcome
    ratio = next(r for r in records if r.name == "learned (smollm2): rows to relapse, ratio")
    assert ratio.value is None and ratio.reached is False and ratio.wanted == "at least 0.9"
    again = list(repair(Run(folder)))
    assert not list(differences([record.model_dump() for record in records], again))
    assert list(differences([record.model_dump() for record in records], again[:-1]))
