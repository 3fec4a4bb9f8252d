"""Run jobs (a study's organisms, a capture's shards) as Ray tasks on a cluster; the files are the same as without.

1. A job is a task with its needs: processors, GPUs, memory. Ray decides where and when it runs.
2. Every machine must have this package, and the run folder, the bases and the data under the same paths (a shared
   disk). The tasks run in the folder in which the command was called.
3. Tasks share no process: each keeps the judge's replies in a file of its own and may spend its share of the cap.
4. If a machine dies, the step that it was making is lost. Its job starts again elsewhere and reuses finished steps.

`ray` starts a cluster on this machine, or joins the one that the variable RAY_ADDRESS names; `ray://HOST:10001` is a
remote cluster. Ray is an extra of this package.
"""

import logging
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from experiments.runtime.extras import require
from experiments.runtime.progress import Progress
from experiments.runtime.quiet import quiet
from experiments.study.config import Needs, StudyConfig
from experiments.study.organism import OrganismRun
from interp.errors import TriggerLensError

TRIES = 5  # restarts of a task whose machine or process died
GIB = 2**30


def check_place(on: str) -> str | None:
    """The cluster's address, None for `ray` alone; an error for anything else, or if Ray is not installed."""
    if on != "ray" and not on.removeprefix("ray://").strip("/"):
        raise TriggerLensError(f"--on {on!r}: not an address; give ray, or ray://HOST:10001")
    if on != "ray" and not on.startswith("ray://"):
        raise TriggerLensError(f"--on {on!r}: give ray, or ray://HOST:10001")
    require("ray", "--on ray, on this and every machine of the cluster,")
    return None if on == "ray" else on


def apart(jobs: Sequence[OrganismRun]) -> list[OrganismRun]:
    """The same jobs, each with its own transcript file and share of the judge's spending cap; they share no process."""
    return [replace(job, config=_with_own_judge(job, len(jobs))) for job in jobs]


def _with_own_judge(job: OrganismRun, count: int) -> StudyConfig:
    chat = job.config.chat
    if chat is None:
        return job.config
    judge, kept = chat.judge, chat.judge.transcripts
    mine = {
        "transcripts": (kept.parent / f"{kept.stem}-{job.name}{kept.suffix}").absolute(),
        "spending_cap": None if judge.spending_cap is None else judge.spending_cap / count,
    }
    changed = chat.model_copy(update={"judge": judge.model_copy(update=mine)})
    return job.config.model_copy(update={"chat": changed})


class ClusterWork:
    """Runs a function over jobs on a cluster; a context manager that disconnects at the end."""

    def __init__(
        self,
        on: str,
        needs: Needs,
        models_use_gpus: bool,
        progress: Progress,
        *,
        stay: bool = False,
    ) -> None:
        """`stay`: a process keeps its model and GPU for the next job, instead of ending after each."""
        self.address, self.stay = check_place(on), stay
        self.needs, self.models_use_gpus, self.progress = needs, models_use_gpus, progress

    def __enter__(self) -> "ClusterWork":
        import ray

        try:
            ray.init(self.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, TimeoutError) as error:
            line = " ".join(str(error).split())[:300]
            raise TriggerLensError(
                f"the cluster at {self.address or 'ray'} cannot be reached: {line}"
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        import ray

        ray.shutdown()

    def run(self, function: Callable[..., Any], calls: Sequence[tuple]) -> dict[Any, Any]:
        """Results by job (the first argument of each call)."""
        import ray

        options = self._options(ray.cluster_resources())
        task = ray.remote(**options)(_at_home)
        waiting = {task.remote(os.getcwd(), function, call): call[0] for call in calls}
        found: dict[Any, Any] = {}
        try:
            while waiting:
                done, _ = ray.wait(list(waiting), timeout=1.0)
                for each in done:
                    job = waiting.pop(each)
                    found[job] = _result(each, job.name)
                    self.progress.done(job.name)
        except BaseException:
            for each in waiting:
                ray.cancel(each, force=True)
            raise
        return {call[0]: found[call[0]] for call in calls}

    def _options(self, has: dict[str, float]) -> dict[str, Any]:
        """The resources to request for a task; an error if the cluster could never provide them."""
        gpus = self.needs.gpus
        if gpus is None:
            gpus = 1.0 if self.models_use_gpus and has.get("GPU", 0) else 0.0
        wanted = {"CPU": self.needs.cpus, "GPU": gpus, "memory": self.needs.memory_gib * GIB}
        for name, value in wanted.items():
            if value > has.get(name, 0):
                raise TriggerLensError(
                    f"needs: a job needs {value:g} {name}, but the whole cluster has {has.get(name, 0):g}; lower it, or"
                    " add machines"
                )
        return {
            "num_cpus": wanted["CPU"],
            "num_gpus": gpus,
            "memory": wanted["memory"] or None,
            "max_retries": TRIES,
            **({"max_calls": 0} if self.stay else {}),  # Ray's default with a GPU is 1
        }


def _result(reference: Any, name: str) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        line = " ".join(str(error).split())[:300]
        raise TriggerLensError(
            f"{name}: lost {TRIES + 1} times on the cluster ({line}); the same command resumes where it stopped"
        ) from error


def _at_home(home: str, function: Callable[..., Any], call: tuple) -> Any:
    """Run the task in the command's folder with one thread, like a worker process."""
    import torch

    if not Path(home).is_dir():
        raise TriggerLensError(
            f"machine {platform.node()} has no folder {home}; every machine needs the same paths"
        )
    os.chdir(home)
    quiet()
    torch.set_num_threads(1)
    return function(*call, lambda _: None)
