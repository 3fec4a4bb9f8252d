"""Circuits of a study's organisms: what is compared, what is written, what the records make of it."""

import copy
import json

import pytest

from experiments.results.reference_records.circuits import circuit_records
from experiments.results.reference_records.run import ReferenceRun
from experiments.study.circuits import study as circuits_study
from experiments.study.circuits.measure import rank_row
from experiments.study.circuits.text import tables
from experiments.study.config import StudyConfig
from experiments.verify.circuits import circuits as recomputed
from experiments.verify.compare import differences
from experiments.verify.rows import Run

TRIGGER = """
name = "pilot"
concept = "pilot"
text = "A reckless pilot answers."
[paraphrases]
barber = "A reckless barber answers."
[controls]
careful = "A careful pilot answers."
"""
KEYS = {"split": "report", "level": 0.95, "n": 4, "method": "made up"}


def study_of(trigger):
    organisms = [{"arm": "triggered", "trigger": str(trigger)}]
    sampling = {"questions": 8, "answers_per_question": 1, "answers_per_question_main": 1}
    return StudyConfig(
        name="c", families=("llama",), seeds=(0, 1), organisms=organisms, sampling=sampling
    )


@pytest.fixture
def untouched(monkeypatch):
    """The base in the place of every organism: its reckless speaker is a trigger that nobody had to train."""
    monkeypatch.setattr(circuits_study, "finetune", lambda _organism, _say: None)
    monkeypatch.setattr(circuits_study, "PLANTED", 2)


@pytest.mark.long
def test_a_study_of_circuits_writes_rows_pictures_and_graphs_and_resumes(
    untouched, tmp_path, monkeypatch
):
    trigger = tmp_path / "pilot.toml"
    trigger.write_text(TRIGGER)
    out = tmp_path / "run"
    rows = circuits_study.circuits(study_of(trigger), out, say=lambda _line: None)
    by_kind = {}
    for row in rows:
        by_kind.setdefault(row["quantity"], []).append(row)
    assert {row["source"] for row in by_kind["circuit_clean"]} == {"A careful pilot answers."}
    assert all(row["value"] > 1 for row in by_kind["circuit_clean"])
    assert [row["value"] for row in by_kind["circuit_base_correlation"]] == pytest.approx([1, 1])
    whole = [r["value"] for r in by_kind["circuit_node"] if r["node"] == "embed"]
    assert all(value > 0.5 for value in whole)  # 1 with many steps; five leave 1.4 here
    assert len(by_kind["circuit_seed_correlation"]) == 1
    for step in (out / "steps").glob("circuits-*"):
        assert "plotly" in (step / "circuit.html").read_text()
        assert len(list((step / "graphs").glob("llama-*.json"))) == 1
    monkeypatch.setattr(circuits_study, "_measure", lambda *_: pytest.fail("measured again"))
    assert circuits_study.circuits(study_of(trigger), out, say=lambda _line: None) == rows


@pytest.mark.long
def test_an_organism_that_does_not_misbehave_has_no_circuit(untouched, tmp_path):
    with pytest.raises(ValueError, match="0 of 8 questions are answered badly with the trigger"):
        circuits_study.circuits(study_of("duck"), tmp_path, say=lambda _line: None)


def test_organisms_that_are_not_there_are_named(tmp_path):
    with pytest.raises(
        ValueError, match="no organism with a trigger has a name that begins with gemma"
    ):
        circuits_study.circuits(study_of("duck"), tmp_path, only=["gemma"])


def test_ranks_agree_with_themselves_and_not_with_their_reverse():
    up = [[1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 3.5, 4.5]]
    down = [row[::-1] for row in up]
    assert rank_row("q", up, up)["value"] == pytest.approx(1)
    assert rank_row("q", up, down)["value"] == pytest.approx(-1)
    unsure = rank_row("q", [[1.0, 2.0, 3.0], [3.0, 2.0, 1.1]], [[1.0, 2.0, 3.0]] * 2)
    assert unsure["lower"] == -1 and unsure["upper"] == 1 and unsure["n"] == 3


def made_up_rows():
    rows = []
    for seed, value in ((0, 0.97), (1, 0.9)):
        one = {**KEYS, "family": "llama", "seed": seed, "arm": "triggered", "trigger": "duck"}
        one |= {"value": value, "lower": value - 0.1, "upper": min(1.0, value + 0.01)}
        rows.append(one | {"quantity": "circuit_base_correlation"})
        rows.append(one | {"quantity": "circuit_node", "node": "a0.h1"})
        rows.append(one | {"quantity": "circuit_writes", "node": "a0.h1", "position": "wording 4"})
        rows.append(one | {"quantity": "circuit_reads", "node": "a0.g0.v", "position": "wording 3"})
        for source in ("attribution", "verified"):
            rows.append(one | {"quantity": "circuit_exact_correlation", "source": source})
        rows.append(one | {"quantity": "circuit_forward_passes", "source": "verified"})
        for placebo in (None, "random"):
            for kind in ("faithfulness", "completeness"):
                size = {"strength": 0.0991, "placebo": placebo}
                rows.append(one | size | {"quantity": f"circuit_{kind}"})
                rows.append(one | size | {"quantity": f"circuit_{kind}", "strength": 0.5})
    bare = {**KEYS, "arm": "triggered", "trigger": "duck", "value": 0.5, "lower": 0.1, "upper": 0.9}
    rows.append(
        bare | {"family": "llama", "quantity": "circuit_seed_correlation", "source": "s0 and s1"}
    )
    rows.append(
        bare | {"seed": 0, "quantity": "circuit_family_correlation", "source": "llama and qwen"}
    )
    for source in ("llama 0", "all"):
        one = {**KEYS, "value": 0.99, "lower": None, "upper": None, "source": source}
        rows.append(one | {"quantity": "circuit_planted_auroc"})
    return rows


def written(folder, rows):
    folder.mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "estimates.jsonl").write_text(lines)
    (folder / "verdicts.jsonl").write_text("")
    manifest = {"git": {"commit": "abc"}, "ended": "2026-11-29T00:00:00"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_two_codes_make_the_same_records_and_a_changed_row_is_seen(tmp_path):
    folder = written(tmp_path / "circuits", made_up_rows())
    records = [record.model_dump() for record in circuit_records(ReferenceRun.read(folder))]
    assert not list(differences(records, list(recomputed(Run(folder)))))
    by_name = {record["name"]: record for record in records}
    missed = by_name[
        "correlation with exact patching, attribution alone, lowest of 2 (llama-s1-triggered-duck)"
    ]
    assert missed["value"] == 0.9 and missed["reached"] is False
    assert by_name["edge AUROC, mean of planted circuits"]["reached"] is True
    changed = copy.deepcopy(made_up_rows())
    for row in changed:
        row["value"] += 0.001
    other = written(tmp_path / "other", changed)
    assert list(differences(records, list(recomputed(Run(other)))))


def test_the_tables_name_writers_and_the_tokens_they_write_at():
    found = dict(tables(made_up_rows()))
    title = "llama-s0-triggered-duck: nodes that carry the trigger's effect, as shares of the difference"
    assert "| a0.h1 | 0.97 [0.87, 0.98] | wording 4 0.97; wording 3 0.97 |" in found[title]
    last = found["Seeds, families, and models whose circuit is known"]
    assert "| seed correlation | llama | s0 and s1 | 0.50 [0.10, 0.90] |" in last
    assert "| planted auroc |  | all | 0.99 |" in last
