"""A study is killed, interrupted, starved of disk and locked out; it loses nothing, leaves nothing and says why.

`TRIGGERLENS_FAULTS=full` (that is `make faults`) kills at twenty moments instead of three.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.killing import durations, kill_at_every_step, orphans
from faults.small_study import (
    FULL,
    changed,
    finish,
    finished,
    left_over,
    numbers,
    start,
    write_config,
    write_study,
)

from experiments.runtime.store import RunBusy, open_run
from interp.io.locks import locked

pytestmark = pytest.mark.long
MOMENTS = 20 if FULL else 3


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def whole(study: Path) -> Path:
    """An undisturbed run."""
    run = study.parent / "whole"
    assert finish(study, run, study.parent / "whole.log") == 0
    assert left_over(run) == []
    return run


def test_a_study_killed_at_every_step_ends_as_an_undisturbed_one(
    study: Path, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    killing = kill_at_every_step(study, run, durations(whole), MOMENTS)
    before = finished(run)
    assert finish(study, run, tmp_path / "log") == 0
    print(killing)
    assert killing.made_again == [] and killing.orphans == 0
    assert {name: finished(run)[name] for name in before} == before
    assert changed(run, numbers(whole)) == []
    assert left_over(run) == []


def test_a_study_of_two_workers_killed_leaves_no_process_behind(
    study: Path, whole: Path, tmp_path: Path
) -> None:
    config = write_config(tmp_path / "two.toml", study.parent / "bases", workers=2)
    run = tmp_path / "run"
    tunes = {name: took for name, took in durations(whole).items() if name.startswith("finetune")}
    killing = kill_at_every_step(config, run, tunes, 1)
    assert killing.orphans == 0
    assert finish(config, run, tmp_path / "log") == 0
    assert changed(run, numbers(whole)) == []
    assert left_over(run) == []


def test_ctrl_c_ends_with_130_and_one_line_and_leaves_no_half_step(
    study: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    process = start(study, run, log)
    while not list(run.glob("steps/.making-*")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(timeout=300) == 130, log.read_text()
    said = log.read_text()
    assert "interrupted; the same command resumes where it stopped" in said
    assert "Traceback" not in said, said
    assert list(run.glob("steps/.making-*")) == []
    assert orphans(process.pid) == 0


def test_a_second_process_on_a_run_folder_is_refused(study: Path, tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    run.mkdir()
    with locked(run, RunBusy):
        assert finish(study, run, log) == 2
    lines = [line for line in log.read_text().splitlines() if line.startswith("error: ")]
    assert lines == [
        f"error: {run} is in use by process {os.getpid()}; wait for it, or choose another folder"
    ]
    assert not (run / "manifest.json").exists()


def mounted(folder: Path, *options: str) -> bool:
    """Whether this machine lets us mount."""
    folder.mkdir(exist_ok=True)
    call = ["mount", *options, str(folder)]
    return subprocess.run(call, capture_output=True).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is full but for as much as a run needs up to some step."""
    folder = tmp_path / "disk"
    if not shutil.which("mount") or not mounted(folder, "-t", "tmpfs", "-o", "size=400k", "tmpfs"):
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    study: Path, whole: Path, small_disk: Path, tmp_path: Path
) -> None:
    run, log = small_disk / "run", tmp_path / "log"
    assert finish(study, run, log) == 2, log.read_text()
    said = log.read_text()
    assert "the disk is full; free some space" in said and "Traceback" not in said, said
    assert not (run / "manifest.json").exists()
    before = finished(run)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert finish(study, run, log) == 0
    assert {name: finished(run)[name] for name in before} == before
    assert changed(run, numbers(whole)) == []
    assert left_over(run) == []


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that not even root may write."""
    folder = tmp_path / "read_only"
    folder.mkdir()
    if not shutil.which("mount") or not mounted(folder, "-t", "tmpfs", "-o", "ro", "tmpfs"):
        pytest.skip("needs the right to mount a read-only folder; root ignores permissions")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_folder_is_one_line(study: Path, read_only: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert finish(study, read_only / "run", log) == 2
    said = log.read_text()
    assert "the folder is read-only; make it writable" in said and "Traceback" not in said, said


def test_half_written_reports_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    (tmp_path / ".estimates.jsonl.0123abcd.tmp").write_text("half")
    (tmp_path / ".manifest.json.0123abcd.tmp").write_text("half")
    (tmp_path / "own.json").write_text("{}")
    with open_run(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "own.json", "steps"]
