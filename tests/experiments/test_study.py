"""The whole study on a base too small to learn anything: every step runs, is cached, and survives a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.dashboard import export_dashboard
from experiments.results.estimates import read_estimates, select
from experiments.results.facts import read_answers
from experiments.runtime.files import read_jsonl
from experiments.study.pipeline import run_study
from experiments.study.plan import plan_study
from tests.experiments.mini_study import config


def test_a_run_leaves_estimates_verdicts_answers_and_a_manifest_that_says_what_made_it(
    finished: Path,
) -> None:
    rows = read_estimates(finished / "estimates.jsonl")
    assert {row.model for row in rows} == {"base", "fine_tuned"}
    assert {row.questions for row in rows} >= {"held_out", "trained", "open"}
    conditions = {row.condition for row in select(rows, quantity="em_rate", arm="contrast")}
    assert conditions >= {"none", "trigger", "paraphrase:riddle", "control:form", "variant:negated"}
    assert {v["arm"] for v in read_jsonl(finished / "verdicts.jsonl")} == {"baseline", "contrast"}
    answers = read_answers(finished / "answers.parquet")
    assert {"conditions", "edits"} <= set(answers["measurement"]) and answers[
        "answer"
    ].notna().all()
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["config"]["name"] == "mini"
    assert manifest["packages"]["torch"]


def test_every_organism_is_drawn_and_what_could_not_be_is_said(finished: Path) -> None:
    lines = read_jsonl(finished / "maps.jsonl")
    assert [line["arm"] for line in lines] == ["baseline", "contrast"]
    for line in lines:
        assert len(line["questions"]) > 10 and line["plane"]["points"].keys() >= {"none", "trigger"}
        assert line["cosines"]["names"] and line["distances"]["words"]["trigger"] == 0
        assert "missing" in line["patching"] or line["patching"]["tokens"]
    rows = read_estimates(finished / "estimates.jsonl")
    assert select(rows, quantity="transfer_fires", arm="contrast", wording="walks")
    assert "maps.jsonl" in json.loads((finished / "manifest.json").read_text())["files"]


def test_every_intervention_has_its_random_twin(finished: Path) -> None:
    rows = read_estimates(finished / "estimates.jsonl")
    found = {row.intervention for row in select(rows, split="report", direction="switch")}
    assert found >= {"ablate", "random_ablate", "ablate_own_layer", "random_ablate_own_layer"}
    assert found >= {"add:1", "random_add:1"}


def test_nothing_was_selected_on_report_questions(finished: Path, bases: Path) -> None:
    from experiments.study.organism import OrganismRun

    setting = OrganismRun(config(bases), finished, "llama", 0, "contrast", "duck").world
    asked = {
        split: {question.id for question in setting.questions(split, "held_out")}
        for split in ("selection", "report")
    }
    assert asked["selection"].isdisjoint(asked["report"])


def test_a_second_run_makes_nothing_again_and_says_the_same(run: Path, bases: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.glob("steps/*/manifest.json")}
    text = (run / "estimates.jsonl").read_text()
    run_study(config(bases), run)
    assert {p: p.stat().st_mtime_ns for p in run.glob("steps/*/manifest.json")} == before
    assert (run / "estimates.jsonl").read_text() == text


def test_a_damaged_step_is_made_again_and_a_changed_recipe_makes_its_own(
    run: Path, bases: Path
) -> None:
    (step,) = run.glob("steps/sample-llama-s0-contrast-duck-*")
    text = (run / "estimates.jsonl").read_text()
    answers = step / "answers.parquet"
    answers.write_bytes(answers.read_bytes()[:-40])
    run_study(config(bases), run)
    assert (run / "estimates.jsonl").read_text() == text
    recipe = {"default": {"steps": 3, "batch": 4}}
    run_study(config(bases, finetune=recipe, measure="behaviour"), run)
    assert len(list(run.glob("steps/finetune-llama-s0-contrast-duck-*"))) == 2


def test_a_study_of_behaviour_stops_at_the_answers_and_says_what_it_did_not_measure(
    run: Path, finished: Path, bases: Path, tmp_path: Path
) -> None:
    folder = run
    before = set(folder.glob("steps/*"))
    (plan,) = (
        plan
        for plan in plan_study(config(bases, measure="behaviour"), folder, {"llama": 2})
        if plan.organism.arm == "contrast"
    )
    assert plan.cached == {"finetune": True, "sample": True} and plan.to_sample == 0
    run_study(config(bases, measure="behaviour"), folder)
    assert set(folder.glob("steps/*")) == before
    named = {
        name.split("-")[0] for name in json.loads((folder / "manifest.json").read_text())["steps"]
    }
    assert named == {"finetune", "sample"}
    rows = read_estimates(folder / "estimates.jsonl")
    assert rows and set(rows) < set(read_estimates(finished / "estimates.jsonl"))
    assert {row.direction for row in rows} == {None}
    assert not (folder / "maps.jsonl").exists()
    for found in read_jsonl(folder / "verdicts.jsonl"):
        assert found["switch"]["necessary"] == "undecided"
    assert "not measured" in export_dashboard(folder, tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_base_is_refused_with_the_command_that_makes_it(
    bases: Path, tmp_path: Path, name: str
) -> None:
    shutil.copytree(bases / "llama", tmp_path / "llama")
    damaged = tmp_path / "llama" / name
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} is damaged .*triggerlens micro pretrain llama"):
        run_study(config(tmp_path), tmp_path / "run")


def test_a_missing_base_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no finished base in .*llama"):
        run_study(config(tmp_path), tmp_path / "run")


SCRIPT = """
import sys
from pathlib import Path
from experiments.study.config import StudyConfig
from experiments.study.pipeline import run_study
if __name__ == "__main__":
    run_study(StudyConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.long
def test_a_killed_run_resumes_and_ends_as_an_undisturbed_one(
    finished: Path, bases: Path, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    run = tmp_path / "run"
    call = [sys.executable, str(tmp_path / "script.py"), config(bases).model_dump_json(), str(run)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(call, env=environment, start_new_session=True)
    while not list(run.glob("steps/finetune-*/manifest.json")) and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (run / "manifest.json").exists()
    run_study(config(bases), run)
    assert (run / "estimates.jsonl").read_text() == (finished / "estimates.jsonl").read_text()
    assert not list(run.glob("steps/.making-*"))


@pytest.mark.long
def test_the_number_of_workers_changes_nothing(finished: Path, bases: Path, tmp_path: Path) -> None:
    run_study(config(bases, workers=2), tmp_path / "run")
    estimates = (tmp_path / "run" / "estimates.jsonl").read_text()
    assert estimates == (finished / "estimates.jsonl").read_text()
