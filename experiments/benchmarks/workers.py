"""Costs and savings of several workers: the same tiny study in one process, in two, and on Ray if it is installed.

    study              a study of four bases, four organisms and four comparisons, one task each; the estimates of all
                       ways must be the same. Processor seconds of all processes, and clock seconds.
    overhead           200 empty tasks, sent to two running processes: clock seconds per task, divided by those of a
                       task of the study

A process loads torch and the package once, before its first task. This counts in the seconds of the study but not in
the overhead of a task. Each way runs once, in a separate process: a study is many tasks in itself.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch

from experiments.benchmarks.paired import record
from experiments.benchmarks.tiny_runs import in_own_process, tiny_configuration, with_organisms
from experiments.runtime.progress import Progress
from experiments.runtime.quiet import quiet
from experiments.runtime.workers import Work
from experiments.study.pipeline import run_study
from interp.errors import TriggerLensError

ORGANISMS, TASKS, EMPTY, TURNS = 4, 12, 200, 3
OVERHEAD = 0.02
WAYS: dict[str, tuple[int, str | None]] = {"1": (1, None), "2": (2, None), "Ray": (1, "ray")}


class Empty(NamedTuple):
    """A job in which nothing is done."""

    name: str


class Used(NamedTuple):
    """Processor seconds of all processes together, and clock seconds."""

    processor: float
    clock: float


def run() -> Iterator[dict[str, object]]:
    """Each way compared with one process; then the overhead of a task."""
    with tempfile.TemporaryDirectory() as folder:
        found = {
            name: in_own_process(study, Path(folder), name, *way)
            for name, way in WAYS.items()
            if way[1] is None or find_spec(way[1]) is not None
        }
        check_same(Path(folder), list(found))
    alone = found.pop("1")
    facts = {"seconds_alone": alone._asdict(), "tasks": TASKS, "cores": os.cpu_count()}
    for name, used in found.items():
        for what, mine, single in zip(Used._fields, used, alone, strict=True):
            aim = 1 + OVERHEAD if what == "processor" else 1.0
            yield record(f"{name} workers / 1, {what}", [mine / single], aim, seconds=mine, **facts)
    shares = [each / (alone.clock / TASKS) for each in in_own_process(overheads)]
    yield record("overhead of a task / task", shares, OVERHEAD, empty_tasks=EMPTY, **facts)


def study(folder: Path, name: str, workers: int, on: str | None) -> Used:
    """The tiny study in `folder / name`; its bases are made beforehand, next to it."""
    quiet()
    torch.set_num_threads(1)
    config = with_organisms(tiny_configuration(folder), ORGANISMS)
    config = config.model_copy(update={"workers": workers})
    before = used()
    run_study(config, folder / name, on=on)
    return Used(*(now - then for now, then in zip(used(), before, strict=True)))


def used() -> Used:
    """The seconds of this process and of all its finished children."""
    return Used(sum(os.times()[:4]), time.perf_counter())


def check_same(folder: Path, names: list[str]) -> None:
    """Raise unless every way left the same estimates."""
    found = {name: (folder / name / "estimates.jsonl").read_bytes() for name in names}
    for name, estimates in found.items():
        if estimates != found["1"]:
            raise TriggerLensError(f"{name} workers: other estimates than one worker's")


def overheads() -> list[float]:
    """Clock seconds for an empty task in each turn, after one turn that starts the processes."""
    jobs = [(Empty(f"{number}"),) for number in range(EMPTY)]
    taken = []
    with Progress(EMPTY * (1 + TURNS)) as progress, Work(2, progress) as work:
        progress.console.quiet = True
        for _ in range(1 + TURNS):
            start = time.perf_counter()
            work.run(nothing, jobs)
            taken.append((time.perf_counter() - start) / EMPTY)
    return taken[1:]


def nothing(_job: Empty, _say: object) -> None:
    """An empty task."""
