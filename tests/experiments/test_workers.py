"""Processes share out the GPUs, and one that dies costs what it was making."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.runtime.gpus import VARIABLE, shares, visible_gpus
from experiments.runtime.progress import Progress
from experiments.runtime.workers import TRIES, Work


@dataclass(frozen=True, eq=False)
class Small:
    """A job that leaves a line for each time that it is begun."""

    name: str
    folder: Path


def sees(job: Small, count: int, say: object) -> str | None:
    """What the variable says in this process; waits until `count` processes are at work."""
    (job.folder / str(os.getpid())).touch()
    until = time.monotonic() + 120
    while len(list(job.folder.iterdir())) < count and time.monotonic() < until:
        time.sleep(0.01)
    return os.environ.get(VARIABLE)


def dies(job: Small, times: int, say: object) -> str:
    """Killed in its first `times` tries if it is called "weak"."""
    tries = job.folder / job.name
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if job.name == "weak" and len(tries.read_text()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return job.name


@pytest.fixture(scope="module")
def progress() -> Iterator[Progress]:
    with Progress(10) as made:
        yield made


@given(st.integers(0, 16), st.integers(1, 40))
def test_every_gpu_is_used_and_every_process_has_one(count: int, processes: int) -> None:
    gpus = [f"GPU-{number}" for number in range(count)]
    found = shares(gpus, processes)
    used = [gpu for share in found for gpu in share.split(",")]
    assert set(used) == set(gpus)
    assert len(found) == (processes if gpus else 0)
    if processes <= count:  # no GPU is shared, and no process has two more than another
        assert used == gpus
        sizes = [len(share.split(",")) for share in found]
        assert max(sizes) - min(sizes) <= 1
    elif gpus:  # no GPU has two processes more than another
        counts = [used.count(gpu) for gpu in gpus]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(
    ("said", "gpus"),
    [("0,2", ["0", "2"]), ("", []), ("-1", []), ("1,-1,2", ["1"]), (" GPU-a ", ["GPU-a"])],
)
def test_the_variable_is_read_as_the_driver_reads_it(
    monkeypatch: pytest.MonkeyPatch, said: str, gpus: list[str]
) -> None:
    monkeypatch.setenv(VARIABLE, said)
    assert visible_gpus() == gpus


def test_each_process_sees_its_own_gpus_and_one_process_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, progress: Progress
) -> None:
    monkeypatch.setenv(VARIABLE, "7,8,9")
    jobs = [Small(name, tmp_path) for name in "ab"]
    with Work(2, progress) as work:
        found = work.run(sees, [(job, 2) for job in jobs])
    assert sorted(found.values()) in (["7", "8,9"], ["7,8", "9"])
    with Work(1, progress) as work:
        assert work.run(sees, [(jobs[0], 0)]) == {jobs[0]: "7,8,9"}


def test_a_process_that_dies_costs_what_it_was_making(tmp_path: Path, progress: Progress) -> None:
    jobs = [Small(name, tmp_path) for name in ("strong", "weak", "late")]
    with Work(1 + 1, progress) as work:
        first = work.run(dies, [(jobs[0], 0)])
        rest = work.run(dies, [(job, 1) for job in jobs[1:]])
    assert [*first.values(), *rest.values()] == ["strong", "weak", "late"]
    assert (tmp_path / "weak").read_text() == "xx"
    assert (tmp_path / "strong").read_text() == "x"


@pytest.mark.long
def test_a_process_that_always_dies_is_given_up_in_one_line(
    tmp_path: Path, progress: Progress
) -> None:
    with Work(2, progress) as work, pytest.raises(ValueError, match=f"died {TRIES} times"):
        work.run(dies, [(Small("weak", tmp_path), 100)])
    assert (tmp_path / "weak").read_text() == "x" * TRIES
