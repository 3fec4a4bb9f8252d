"""Run a function over many jobs, in this process or in several, with a board that shows progress.

Several processes share the machine's GPUs, and each works on one job at a time.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import Queue
from typing import Any, Protocol, Self

from experiments.runtime.gpus import VARIABLE, shares, visible_gpus
from experiments.runtime.parent_watchdog import end_with_parent
from experiments.runtime.progress import Board, Progress
from experiments.runtime.quiet import quiet
from interp.errors import TriggerLensError

TRIES = 3  # attempts at jobs that were under way when a process died


class Named(Protocol):
    """A job: any object with a name; jobs are compared by identity."""

    @property
    def name(self) -> str:
        """Its name on the screen."""


class Work:
    """Runs functions over jobs in processes that are reused; results do not depend on their number.

    with Work(2, progress) as work:
        found = work.run(function, calls)
    """

    def __init__(self, workers: int, progress: Progress) -> None:
        self.workers = workers
        self.progress = progress
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def run(self, function: Callable[..., Any], calls: Sequence[tuple]) -> dict[Any, Any]:
        """Results by job (the first argument of each call), in the order of the calls."""
        if self.workers == 1:
            return {call[0]: self._here(function, call) for call in calls}
        return self._in_processes(function, calls)

    def _here(self, function: Callable[..., Any], call: tuple) -> Any:
        result = function(*call, self.progress.here(call[0].name))
        self.progress.done(call[0].name)
        return result

    def _in_processes(self, function: Callable[..., Any], calls: Sequence[tuple]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(TRIES):
            left = [call for call in calls if call[0] not in found]
            try:
                self._round(function, left, found)
            except BrokenProcessPool:
                self.progress.say("a process died; what it was making is made again")
            else:
                return {call[0]: found[call[0]] for call in calls}
        raise TriggerLensError(
            f"a process died {TRIES} times (killed from outside, or out of memory); give fewer --workers, or more"
            " memory: the same command goes on where it stopped"
        )

    def _round(
        self, function: Callable[..., Any], calls: Sequence[tuple], found: dict[Any, Any]
    ) -> None:
        """Make these calls and add their results to `found`."""
        pool, board = self._processes(), self.progress.board
        waiting: dict[Future, Named] = {}
        try:
            for call in calls:
                waiting[pool.submit(_in_worker, function, call, board)] = call[0]
            while waiting:
                for future in self._finished(waiting):
                    job = waiting.pop(future)
                    found[job] = future.result()
                    self.progress.done(job.name)
        except BaseException:
            self._pool = None
            for process in list(pool._processes.values()):
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
            raise

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            gpus = context.Queue()
            given = shares(visible_gpus(), self.workers)
            for number in range(self.workers):
                gpus.put(given[number] if given else None)
            self._pool = ProcessPoolExecutor(self.workers, context, _ready, (gpus,))
        return self._pool

    def _finished(self, waiting: dict[Future, Named]) -> Iterable[Future]:
        self.progress.refresh()
        return wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED).done


def _ready(gpus: "Queue[str | None]") -> None:
    """Set one thread and this process's share of the GPUs, before anything uses them."""
    end_with_parent()  # first, because without the parent nothing would ever fill the queue
    share = gpus.get()
    if share is not None:
        os.environ[VARIABLE] = share

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers

    quiet()
    # several processes with several threads each would slow each other down many times
    torch.set_num_threads(1)


def _in_worker(function: Callable[..., Any], call: tuple, board: Board) -> Any:
    return function(*call, board.say(call[0].name))
