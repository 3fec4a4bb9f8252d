"""What fails in a study costs neither its other organisms nor the steps that do not read it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from experiments.dashboard import export_dashboard
from experiments.results.estimates import read_estimates
from experiments.runtime.attempts import StudyUnfinished
from experiments.study import pipeline as study
from experiments.study.steps.figure_data import step as figure_data_step
from experiments.study.steps.locate import step as locate_step
from interp.errors import TriggerLensError
from tests.experiments.mini_study import config

FAULT = RuntimeError("two matrices\nof different widths")


def failing(error: Exception, name: str = "") -> Any:
    def fail(*arguments: Any, **named: Any) -> None:
        raise error

    return fail


def only_for(arm: str, step: Any, error: Exception) -> Any:
    def run(organism: Any, *arguments: Any) -> Path:
        if organism.arm == arm:
            raise error
        return step(organism, *arguments)

    return run


def steps_of(run: Path) -> set[str]:
    return {
        name.rpartition("-")[0] for name in json.loads((run / "manifest.json").read_text())["steps"]
    }


def test_a_failed_organism_is_named_and_the_others_are_reported(
    run: Path, finished: Path, bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = steps_of(finished)
    monkeypatch.setattr(study, "locate", only_for("contrast", study.locate, FAULT))
    with pytest.raises(StudyUnfinished) as caught:
        study.run_study(config(bases), run)
    line = str(caught.value)
    assert "llama-s0-contrast-duck, step locate: RuntimeError: two matrices of different" in line
    assert "the same command makes only what is missing" in line and "\n" not in line
    assert caught.value.exit_code == 1
    (file,) = run.glob("errors/llama-s0-contrast-duck-locate-*.txt")
    assert str(file) in line and "in run\n" in file.read_text()
    lost = whole - steps_of(run)
    assert lost and all("contrast" in name for name in lost)
    assert not any(name.startswith(("finetune", "sample")) for name in lost)
    arms = {row.arm for row in read_estimates(run / "estimates.jsonl")}
    assert arms == {row.arm for row in read_estimates(finished / "estimates.jsonl")}
    page = export_dashboard(run, tmp_path / "page.html").read_text("utf-8")
    assert "Not finished: llama-s0-contrast-duck, step locate" in page
    monkeypatch.undo()
    study.run_study(config(bases), run)
    assert steps_of(run) == whole


def test_a_step_that_nothing_reads_costs_no_other_and_what_its_user_can_fix_is_no_fault(
    run: Path, finished: Path, bases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "figure_data", failing(TriggerLensError("no font; install one")))
    with pytest.raises(StudyUnfinished, match="step figure_data: no font; install one") as caught:
        study.run_study(config(bases), run)
    assert caught.value.exit_code == 2
    assert not (run / "errors").exists()
    lost = {name.split("-")[0] for name in steps_of(finished) - steps_of(run)}
    assert lost == {"figure_data"}


def test_a_full_disk_ends_the_study_at_once(
    run: Path, bases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "figure_data", failing(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        study.run_study(config(bases), run)


def test_a_map_and_a_table_that_fail_are_told_on_the_page(
    run: Path, finished: Path, bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("locate", "figure_data"):
        for step in run.glob(f"steps/{kind}-*"):
            shutil.rmtree(step)
    monkeypatch.setattr(locate_step, "_read_out", failing(FAULT))
    monkeypatch.setattr(figure_data_step, "plane", failing(FAULT))
    study.run_study(config(bases), run)
    assert steps_of(run) == steps_of(finished)
    page = export_dashboard(run, tmp_path / "page.html").read_text("utf-8")
    told = "could not be made: RuntimeError: two matrices of different widths"
    assert f"probes: {told}" in page and page.count(told) > 1
    before = export_dashboard(finished, tmp_path / "before.html").read_text("utf-8")
    assert told not in before
