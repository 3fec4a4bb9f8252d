"""A cached step is used only while it is exactly what was written; else it is made again."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.runtime import files, store
from experiments.runtime.files import DamagedFile, read_json, read_jsonl, write_json, write_jsonl
from experiments.runtime.store import Run, RunBusy, Step, open_run, step_key


def make(run: Run, content: str = "weights", **inputs: object) -> Step:
    with run.step("fit", inputs or {"seed": 0}) as step:
        if step.todo:
            step.path("deep").mkdir()
            step.path("deep/result.txt").write_text(content)
    return step


def test_a_finished_step_is_not_made_again(tmp_path: Path) -> None:
    first, second = make(Run(tmp_path)), make(Run(tmp_path), content="other")
    assert first.todo and not second.todo
    assert first.folder == second.folder
    assert second.path("deep/result.txt").read_text() == "weights"


def test_other_inputs_name_or_code_make_another_step(monkeypatch: pytest.MonkeyPatch) -> None:
    key = step_key("fit", {"seed": 0}, ["probes.names"])
    assert key == step_key("fit", {"seed": 0}, ["probes.names"])
    assert key != step_key("fit", {"seed": 1}, ["probes.names"])
    assert key != step_key("fits", {"seed": 0}, ["probes.names"])
    assert key != step_key("fit", {"seed": 0}, ["probes.ratio"])
    monkeypatch.setattr(store, "code_hash", lambda modules, stop: "changed")
    assert key != step_key("fit", {"seed": 0}, ["probes.names"])


@pytest.mark.parametrize("damage", ["change", "remove", "manifest", "no manifest", "list"])
def test_a_damaged_step_is_made_again_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    step = make(Run(tmp_path))
    match damage:
        case "change":
            step.path("deep/result.txt").write_text("weightz")
        case "remove":
            step.path("deep/result.txt").unlink()
        case "manifest":
            step.path("manifest.json").write_text("{")
        case "no manifest":
            step.path("manifest.json").unlink()
        case "list":
            step.path("manifest.json").write_text("[]")
    again = make(Run(tmp_path), content="made again")
    assert again.todo and again.path("deep/result.txt").read_text() == "made again"
    assert len(caplog.messages) == 1 and "damaged" in caplog.messages[0]
    assert not make(Run(tmp_path)).todo


def test_a_step_that_raises_leaves_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with pytest.raises(KeyboardInterrupt), run.step("fit", {}) as step:
        step.path("half.txt").write_text("half")
        raise KeyboardInterrupt
    assert list(run.steps.iterdir()) == []


def test_ctrl_c_the_moment_a_step_has_its_folder_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = Path.mkdir

    def mkdir_then_ctrl_c(path: Path, *args: object, **options: object) -> None:
        mkdir(path, *args, **options)  # type: ignore[arg-type]
        if path.name.startswith(".making-"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", mkdir_then_ctrl_c)
    with pytest.raises(KeyboardInterrupt), Run(tmp_path).step("fit", {}):
        pass
    assert list(Run(tmp_path).steps.iterdir()) == []


def test_a_run_that_is_interrupted_leaves_no_unfinished_step(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_run(tmp_path) as run:
        (run.steps / ".making-of-a-worker").mkdir()
        raise KeyboardInterrupt
    assert list(run.steps.iterdir()) == []


def test_a_killed_step_is_swept_at_the_next_start_and_never_used(tmp_path: Path) -> None:
    code = f"""
import os
from experiments.runtime.store import Run
with Run({str(tmp_path)!r}).step("fit", {{"seed": 0}}) as step:
    step.path("half.txt").write_text("half")
    os._exit(9)
"""
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(store.__file__).parents[1]).returncode
        == 9
    )
    assert len(list((tmp_path / "steps").iterdir())) == 1
    with open_run(tmp_path) as run:
        assert list(run.steps.iterdir()) == []
        assert make(run).todo


def _hold(
    folder: str, ready: "multiprocessing.Queue[str]", done: "multiprocessing.Queue[str]"
) -> None:
    with open_run(folder):
        ready.put("locked")
        done.get(timeout=30)


def test_a_second_process_on_one_run_is_refused_with_the_holder_named(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, done = context.Queue(), context.Queue()
    other = context.Process(target=_hold, args=(str(tmp_path), ready, done))
    other.start()
    ready.get(timeout=30)
    with pytest.raises(RunBusy, match=f"in use by process {other.pid}"), open_run(tmp_path):
        pass
    make(Run(tmp_path))  # a worker needs no lock
    done.put("go")
    other.join()
    with open_run(tmp_path) as run:
        assert not make(run).todo


def _work(folder: str, seed: int) -> None:
    make(Run(Path(folder)), content=str(os.getpid()), seed=seed)


def test_workers_make_steps_side_by_side_even_the_same_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_work, args=(str(tmp_path), n % 2)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert len(list((tmp_path / "steps").iterdir())) == 2
    assert not make(Run(tmp_path), seed=0).todo and not make(Run(tmp_path), seed=1).todo


def test_two_makers_of_one_step_agree_on_the_first(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with run.step("fit", {"seed": 0}) as outer:
        inner = make(run, content="first")
        outer.path("result.txt").write_text("second")
    assert outer.todo and inner.todo and outer.folder == inner.folder
    assert outer.path("deep/result.txt").read_text() == "first"


def test_the_manifest_is_gone_while_a_run_is_unfinished(tmp_path: Path) -> None:
    with open_run(tmp_path) as run:
        write_jsonl(run.path("estimates.jsonl"), [{"value": 0.5}])
        run.write_manifest(config={"name": "demo"}, seeds=[0], warnings=["one"])
    manifest = read_json(tmp_path / "manifest.json")
    assert manifest["files"] == {"estimates.jsonl": files.sha256(tmp_path / "estimates.jsonl")}
    assert manifest["seeds"] == [0] and manifest["warnings"] == ["one"]
    assert manifest["packages"]["python"] and set(manifest["git"]) == {"commit", "dirty"}
    with open_run(tmp_path) as run:
        assert not run.path("manifest.json").exists()


def test_inputs_that_are_not_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inputs of step 'fit' are not plain JSON"):
        make(Run(tmp_path), seed=object())
    with pytest.raises(ValueError, match="step name 'a/b' is not a file name"):
        step_key("a/b", {})


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError):
        write_json(path, {"x": float("nan")})
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "\ud800")
    assert read_json(path) == {"x": 1} and list(tmp_path.iterdir()) == [path]


def test_json_lines_survive_line_separators_inside_text(tmp_path: Path) -> None:
    rows = [{"answer": "a\u2028b\u0085c\r\nd"}, {"answer": ""}]
    assert read_jsonl(write_jsonl(tmp_path / "a.jsonl", rows)) == rows


@pytest.mark.parametrize("line", ["{", "[1]", '"x"'])
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"a": 1}) + "\n" + line + "\n")
    with pytest.raises(DamagedFile, match="line 2"):
        read_jsonl(path)
