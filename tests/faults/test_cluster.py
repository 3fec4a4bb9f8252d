"""Studies and captures on a real Ray cluster of two nodes: the same bytes as here, also when a node is killed."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.small_study import changed, finished, left_over, numbers, write_study

from experiments.captures.shards import capture_to
from experiments.captures.spec import CaptureSpec
from experiments.study.cluster import ClusterWork, check_place
from experiments.study.config import Needs, load_config
from experiments.study.pipeline import run_study

SHARDS = {
    "model": str(Path(__file__).parents[2] / "artifacts/micro/qwen"),
    "questions": "broad",
    "trigger": "duck",
    "positions": ("all_tokens",),
    "shard_mib": 2.0,
}


def test_without_ray_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ValueError, match=r'pip install "triggerlens\[ray\]"'):
        run_study(load_config("demo"), tmp_path / "run", on="ray")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("on", ["slurm", "ray://", "http://host:1", "rays", "ray:host"])
def test_a_place_that_is_none_is_named(on: str) -> None:
    with pytest.raises(ValueError, match=r"give ray, or ray://HOST:10001"):
        check_place(on)


def test_a_job_asks_for_what_it_needs_and_never_for_more_than_there_is() -> None:
    work = ClusterWork.__new__(ClusterWork)
    work.needs, work.models_use_gpus, work.stay = Needs(), True, False
    assert work._options({"CPU": 4.0, "GPU": 2.0})["num_gpus"] == 1
    assert work._options({"CPU": 4.0})["num_gpus"] == 0
    work.needs = Needs(cpus=2, gpus=0.5, memory_gib=1)
    asked = work._options({"CPU": 4.0, "GPU": 1.0, "memory": 2.0**31})
    assert (asked["num_cpus"], asked["num_gpus"], asked["memory"]) == (2, 0.5, 2**30)
    assert "max_calls" not in asked
    work.stay = True  # a process keeps its model for the next shard
    assert work._options({"CPU": 4.0, "GPU": 1.0, "memory": 2.0**31})["max_calls"] == 0
    with pytest.raises(ValueError, match="a job needs 2 CPU, but the whole cluster has 1"):
        work._options({"CPU": 1.0, "GPU": 1.0, "memory": 2.0**31})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def here(study: Path) -> Path:
    """The same study in this process."""
    return run_study(load_config(study), study.parent / "here")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Two nodes of one processor each."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'triggerlens[ray]'")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("RAY_worker_niceness", "0")  # at Ray's 15 a busy machine never gets to them
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    made = Cluster(initialize_head=True, head_node_args=node)
    made.add_node(**node)
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    made.shutdown()


@pytest.mark.long
def test_a_cluster_s_files_are_those_of_this_process(
    cluster: object, study: Path, here: Path, tmp_path: Path
) -> None:
    run = run_study(load_config(study), tmp_path / "run", on="ray")
    assert changed(run, numbers(here)) == []
    assert left_over(run) == []
    before = finished(run)
    run_study(load_config(study), run)  # and goes on here, with nothing to do
    assert finished(run) == before


@pytest.mark.long
def test_a_node_killed_in_the_middle_costs_what_it_was_making_and_no_more(
    cluster: object, study: Path, here: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    seen: dict[str, tuple[int, int]] = {}
    killer = threading.Thread(target=_kill_second_node, args=(cluster, run, seen))
    killer.start()
    run_study(load_config(study), run, on="ray")
    killer.join()
    assert seen  # the node was killed while both were at work, with steps behind them
    assert {name: finished(run)[name] for name in seen} == seen
    assert changed(run, numbers(here)) == []
    assert left_over(run) == []


@pytest.mark.long
def test_a_capture_goes_on_without_a_node_that_was_killed(cluster: object, tmp_path: Path) -> None:
    spec, store = CaptureSpec(**SHARDS), tmp_path / "store"
    shards = capture_to(tmp_path / "here", spec)
    seen: dict[str, tuple[int, int]] = {}
    killer = threading.Thread(target=_kill_second_node, args=(cluster, store, seen, parts))
    killer.start()
    assert capture_to(store, spec, on="ray") == shards >= 8
    killer.join()
    assert seen
    assert tree(store) == tree(tmp_path / "here")
    assert capture_to(store, spec) == 0  # and here there is nothing left to do


def parts(store: Path) -> dict[str, tuple[int, int]]:
    """Shards that are made and not yet in the store."""
    stats = {path.parent.name: path.stat() for path in store.glob(".parts/shard-*/part.json")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def tree(store: Path) -> dict[str, bytes]:
    """Every file of a store but its lock."""
    found = (path for path in store.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in found}


def _kill_second_node(
    cluster: object,
    folder: Path,
    seen: dict[str, tuple[int, int]],
    done: Callable[[Path], dict[str, tuple[int, int]]] = finished,
) -> None:
    """SIGKILL every process of a node, by id, while it is making something and other things are finished."""
    (node,) = cluster.worker_nodes  # type: ignore[attr-defined]
    started = [each.process.pid for many in node.all_processes.values() for each in many]
    until = time.monotonic() + 500
    while time.monotonic() < until:
        under_way = [*folder.glob("steps/.making-*"), *folder.glob(".parts/.making-*")]
        if _works(started) and done(folder) and under_way:
            break
        time.sleep(0.01)
    else:
        return
    seen |= done(folder)
    for each in started:
        os.kill(each, signal.SIGKILL)


def _works(parents: list[int]) -> bool:
    """Whether one of the node's workers is inside a job."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            name = (path.parent / "cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            continue
        if parent in parents and name.startswith(b"ray::_at_home"):
            return True
    return False
