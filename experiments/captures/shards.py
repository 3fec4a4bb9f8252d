"""A capture made by several processes, one for each GPU, or on a cluster: the files that one process would have made.

1. One process loads the model and plans which prompts each missing shard holds.
2. Every shard is a job of its own; a process keeps its model for the next one.
3. The process that was called takes the shards into the store, in order.

Killed at any moment, the same call makes the shards that are missing and no other. The files are the same to the byte
where the arithmetic is: on the same kind of device, with the same number of threads.
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
    """The plan (no part), or one shard of it."""

    spec: CaptureSpec
    store: Path
    part: Part | None = None

    @property
    def name(self) -> str:
        """How it is called on the screen."""
        return "plan" if self.part is None else f"shard {self.part.number}"


def capture_to(
    store: Path,
    spec: CaptureSpec,
    *,
    workers: int = 1,
    on: str | None = None,
    needs: Needs = Needs(),  # noqa: B008
) -> int:
    """Read what `store` lacks of a capture; how many shards were made for it."""
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
    """What has to be made; begins the store."""
    say("loading the model")
    maker = maker_of(job.spec)
    say("planning")
    prompts = prompts_of(job.spec, maker.engine.lm)  # first: what is refused leaves no folder
    with opened(job.store, maker, job.spec.shard_bytes) as writer:
        return writer.plan(prompts)


def make_shard(job: CaptureJob, say: Say) -> None:
    """One shard, unless it is there."""
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
