"""A mirror never hands out a step that is not whole: whatever died, was changed, or stands under a wrong name there."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from experiments.mirror import Mirror
from experiments.mirrored_runs import open_mirror, pull_run, push_run
from experiments.remote import Remote
from experiments.runtime.files import read_json, sealed, write_json
from experiments.runtime.store import Run, Step, open_run


class Dying(MemoryFileSystem):
    """Half of the write numbered `dies_at` arrives, then the connection is gone."""

    protocol = "dying"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    writes = 0
    dies_at: int | None = None

    def put_file(self, lpath: Any, rpath: Any, *args: Any, **kwargs: Any) -> None:
        Dying.writes += 1
        content = Path(lpath).read_bytes()
        if self.dies_at is not None and Dying.writes >= self.dies_at:
            if Dying.writes == self.dies_at:
                self.pipe_file(rpath, content[: len(content) // 2])
            raise ConnectionResetError("gone")
        self.pipe_file(rpath, content)

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return MemoryFileSystem._strip_protocol(str(path).replace("dying://", "memory://"))


@pytest.fixture
def dying() -> Iterator[type[Dying]]:
    fsspec.register_implementation("dying", Dying, clobber=True)
    Dying.writes, Dying.dies_at = 0, None
    Dying.store.clear()
    yield Dying
    Dying.store.clear()


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path}/there/run"
        return
    MemoryFileSystem.store.clear()
    yield "memory://bucket/run"
    MemoryFileSystem.store.clear()


def make(run: Run, content: str = "weights", **inputs: object) -> Step:
    with run.step("fit", inputs or {"seed": 0}) as step:
        if step.todo:
            step.path("deep").mkdir()
            step.path("deep/result.txt").write_text(content)
            step.path("rows.jsonl").write_text("{}\n")
    return step


def finished_run(folder: Path, mirror: Mirror | None = None, content: str = "a") -> Path:
    with open_run(folder) as run:
        step = make(Run(folder, mirror=mirror), content)
        run.path("estimates.jsonl").write_text(f"{content}\n")
        run.write_manifest(config={}, seeds=[0], steps=[step.folder.name])
    return folder


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_step_made_here_is_found_there_and_not_made_again(url: str, tmp_path: Path) -> None:
    here = make(Run(tmp_path / "a", mirror=Mirror(url)))
    there = make(Run(tmp_path / "b", mirror=Mirror(url)), content="another")
    alone = make(Run(tmp_path / "c"), content="another")
    assert here.todo and not there.todo and alone.todo
    assert files(there.folder) == files(here.folder) != files(alone.folder)
    assert [path.name for path in (tmp_path / "b" / "steps").iterdir()] == [here.folder.name]


def test_a_step_that_came_from_there_keeps_the_time_at_which_it_was_made(tmp_path: Path) -> None:
    mirror = Mirror(f"file://{tmp_path}/there")
    made = make(Run(tmp_path / "a", mirror=mirror)).path("manifest.json")
    manifest = read_json(made) | {"ended": "2020-01-01T00:00:00+00:00"}
    write_json(made, sealed(manifest))
    mirror.unseal(f"steps/{made.parent.name}")
    mirror.keep(made.parent)
    found = make(Run(tmp_path / "b", mirror=mirror))
    assert found.path("manifest.json").stat().st_mtime == pytest.approx(1577836800)


@pytest.mark.parametrize("write", [1, 2, 3])
def test_what_died_on_its_way_is_not_there_for_anyone_and_is_sent_again(
    dying: type[Dying], tmp_path: Path, caplog: pytest.LogCaptureFixture, write: int
) -> None:
    mirror = Mirror("dying://bucket/run")
    dying.dies_at = write  # two files and a manifest
    step = make(Run(tmp_path / "a", mirror=mirror))
    assert step.todo and step.path("deep/result.txt").read_text() == "weights"  # it goes on here
    assert "could not be copied" in caplog.text
    assert dying.store  # something did arrive
    assert not mirror.fetch_step(tmp_path / "b" / "steps" / step.folder.name)
    dying.dies_at = None
    assert mirror.keep(step.folder)
    other = make(Run(tmp_path / "b", mirror=mirror), content="another")
    assert not other.todo and files(other.folder) == files(step.folder)


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "manifest", "name"])
def test_damage_there_is_noticed_and_the_step_made_again_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    mirror = Mirror(f"file://{tmp_path}/there")
    step = make(Run(tmp_path / "a", mirror=mirror))
    there = tmp_path / "there/steps" / step.folder.name
    match damage:
        case "flip":
            (there / "deep/result.txt").write_text("weightz")
        case "cut":
            (there / "deep/result.txt").write_text("weigh")
        case "gone":
            (there / "deep/result.txt").unlink()
        case "manifest":
            (there / "manifest.json").write_text('{"files": {}}')
        case "name":  # a whole step, but another one
            other = read_json(there / "manifest.json") | {"key": "0" * 12}
            write_json(there / "manifest.json", sealed(other))
    again = make(Run(tmp_path / "b", mirror=mirror), content="made again")
    assert again.todo and again.path("deep/result.txt").read_text() == "made again"
    assert damage == "manifest" or "is damaged" in caplog.text
    third = make(Run(tmp_path / "c", mirror=mirror))
    assert not third.todo and third.path("deep/result.txt").read_text() == "made again"


@pytest.mark.parametrize("name", ["../../outside", "/tmp/outside", "a/../../../outside"])
def test_a_name_that_leads_out_of_the_step_writes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    mirror = Mirror(f"file://{tmp_path}/there")
    step = make(Run(tmp_path / "a", mirror=mirror))
    there = tmp_path / "there/steps" / step.folder.name
    (tmp_path / "there" / "outside").write_text("planted")
    manifest = read_json(there / "manifest.json")
    write_json(there / "manifest.json", sealed(manifest | {"files": {name: "0"}}))
    before = files(tmp_path)
    assert not mirror.fetch_step(tmp_path / "b" / "steps" / step.folder.name)
    assert "leads out of its folder" in caplog.text
    assert set(files(tmp_path)) <= set(before)


def test_a_place_that_does_not_answer_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TimeoutError("no answer")

    monkeypatch.setattr(Remote, "_read", broken)
    with caplog.at_level(logging.WARNING):
        step = make(Run(tmp_path / "a", mirror=Mirror("memory://x")))
    assert step.todo and step.path("deep/result.txt").is_file()
    assert "could not be looked for" in caplog.text and "could not be copied" in caplog.text


def test_a_finished_run_travels_as_a_whole(url: str, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a")
    mirror = open_mirror(url, run)
    push_run(run, mirror)
    pull_run(tmp_path / "b", mirror)
    assert files(tmp_path / "b") == files(run)
    finished_run(run, content="b")  # the step stays, the report changes
    push_run(run, mirror)
    pull_run(tmp_path / "b", mirror)
    assert files(tmp_path / "b") == files(run)


@pytest.mark.parametrize("write", [1, 3, 4, 5])
def test_a_run_that_did_not_arrive_whole_is_said_and_is_no_run(
    dying: type[Dying], tmp_path: Path, write: int
) -> None:
    run, mirror = finished_run(tmp_path / "a"), Mirror("dying://bucket/run")
    dying.dies_at = write  # three files of the step, a report, the manifest
    with pytest.raises(ValueError, match=r"lacks 1 parts of the run .*the same command tries"):
        push_run(run, mirror)
    with pytest.raises(ValueError, match="holds no finished run"):
        pull_run(tmp_path / "b", mirror)
    dying.dies_at = None
    push_run(run, mirror)
    pull_run(tmp_path / "b", mirror)
    assert files(tmp_path / "b") == files(run)


def test_a_report_changed_there_is_refused_and_the_steps_stay(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a")
    mirror = open_mirror(f"file://{tmp_path}/there", run)
    push_run(run, mirror)
    (tmp_path / "there/estimates.jsonl").write_text("x\n")
    with pytest.raises(ValueError, match="reports are damaged"):
        pull_run(tmp_path / "b", mirror)
    assert not (tmp_path / "b/manifest.json").exists()
    assert len(list((tmp_path / "b/steps").iterdir())) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s4://bucket/run", "no address that can be used"),
        ("simplecache::memory://x", "a chain"),
        ("ftp://user:hunter2@host/run", "a user or password inside"),
        ("http://127.0.0.1:1/run", "cannot be written and read|no address|Install|http"),
        ("file://{run}", "is or holds the run folder"),
        ("file://{run}/steps", "lies in it"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_spent(
    tmp_path: Path, address: str, words: str
) -> None:
    run = tmp_path / "run"
    with pytest.raises(ValueError, match=words) as caught:
        open_mirror(address.format(run=run), run)
    assert "hunter2" not in str(caught.value) and "\n" not in str(caught.value)
    assert not run.exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written and read"):
        open_mirror(f"file://{tmp_path}/file", tmp_path / "run")
