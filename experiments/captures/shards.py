"""A capture by several processes, one for each GPU, or on a cluster; the files are those that one process would make.

1. One process loads the model and plans which prompts each missing shard holds.
2. Every shard is a separate job; a process keeps its model for the next one.
3. The calling process adds the shards to the store, in order.

If it is killed, the same call makes only the missing shards. The files are identical byte by byte if the arithmetic is:
on the same kind of device, with the same number of threads.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from experiments.captures.spec import CaptureSpec, maker_of, prompts_of
from experiments.runtime.progress import Progress
from experiments.runtime.quiet import quiet
from experiments.runtime.workers import Work
from experiments.study.cluster import ClusterWork
from experiments.study.config import Needs
from experiments.study.steps.common import Say
from interp.capture.store.parts import Part, gathering, make_part
from interp.capture.store.writer import opened


@dataclass(frozen=True, eq=False)
class CaptureJob:
    """The job that makes the plan (`part` None), or one shard."""

    spec: CaptureSpec
    store: Path
    part: Part | None = None

    @property
    def name(self) -> str:
        """Its name on the screen."""
        return "plan" if self.part is None else f"shard {self.part.number}"


def capture_to(
    store: Path,
    spec: CaptureSpec,
    *,
    workers: int = 1,
    on: str | None = None,
    needs: Needs = Needs(),  # noqa: B008
) -> int:
    """Make the shards of a capture that `store` lacks; returns how many were made."""
    quiet()
    store = store.absolute()
    with Progress(1) as progress, _work(workers, on, needs, progress) as work:
        ask = CaptureJob(spec, store)
        plan: list[Part] = work.run(plan_shards, [(ask,)])[ask]
        with gathering(store, plan) as missing:
            progress.expect(len(missing))
            work.run(make_shard, [(CaptureJob(spec, store, part),) for part in missing])
    return len(missing)


def plan_shards(job: CaptureJob, say: Say) -> list[Part]:
    """The missing shards; this begins the store."""
    say("loading the model")
    maker = maker_of(job.spec)
    say("planning")
    prompts = prompts_of(job.spec, maker.engine.lm)  # first, so that an error leaves no folder
    with opened(job.store, maker, job.spec.shard_bytes) as writer:
        return writer.plan(prompts)


def make_shard(job: CaptureJob, say: Say) -> None:
    """Make one shard, unless it exists."""
    assert job.part is not None
    say("loading the model")
    maker = maker_of(job.spec)
    say(f"reading {len(job.part.sequences)} prompts")
    make_part(job.store, maker, job.part)


def _work(
    workers: int, on: str | None, needs: Needs, progress: Progress
) -> AbstractContextManager[Work | ClusterWork]:
    if on is None:
        return Work(workers, progress)
    return ClusterWork(on, needs, True, progress, stay=True)
