"""A machine that is lost in the middle of a study: another one goes on from the mirror and ends with the same files."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from faults.small_study import changed, finished, left_over, numbers, start, write_study

from experiments.mirror import Mirror
from experiments.mirrored_runs import pull_run
from experiments.runtime.files import read_json
from experiments.study.config import load_config
from experiments.study.pipeline import run_study

PATIENCE = 300.0


def manifests(run: Path) -> dict[str, str]:
    """Every finished step and its manifest, times included: what was made once is not made again."""
    found = (run / "steps").glob("[!.]*/manifest.json")
    return {path.parent.name: path.read_text() for path in found}


@pytest.mark.long
def test_what_a_lost_machine_had_finished_is_not_made_again(tmp_path: Path) -> None:
    config, there = write_study(tmp_path), tmp_path / "there"
    lost = tmp_path / "lost"
    process = start(config, lost, tmp_path / "log", "--mirror", f"file://{there}")
    until = time.monotonic() + PATIENCE
    while len(manifests(there)) < 3 and time.monotonic() < until:
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    shutil.rmtree(lost)
    kept = manifests(there)
    assert 3 <= len(kept) < 12

    study = load_config(config)
    run = run_study(study, tmp_path / "elsewhere", mirror=f"file://{there}")
    assert {name: manifests(run)[name] for name in kept} == kept
    assert read_json(run / "manifest.json")["cost"]["steps_found"] == len(kept)
    assert left_over(run) == left_over(there) == []

    undisturbed = run_study(study, tmp_path / "undisturbed")
    assert changed(run, numbers(undisturbed)) == []
    assert changed(there, numbers(undisturbed)) == []
    pull_run(tmp_path / "third", Mirror(f"file://{there}"))
    assert changed(tmp_path / "third", numbers(undisturbed)) == []
    before = finished(tmp_path / "third")
    run_study(study, tmp_path / "third", mirror=f"file://{there}")
    assert finished(tmp_path / "third") == before
