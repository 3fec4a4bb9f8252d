"""A function over many jobs, in this process or in several, with a board that says what goes on."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, Self

from experiments.finetune import quiet
from experiments.job import Job
from experiments.orphans import end_with_parent
from experiments.progress import Board, Progress


class Work:
    """Runs functions over jobs in processes that stay for the next one; results do not depend on how many there are.

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

    def run(self, function: Callable[..., Any], calls: Sequence[tuple]) -> dict[Job, Any]:
        """Results by job (the first argument of each call), in the order of the calls."""
        if self.workers == 1:
            return {call[0]: self._here(function, call) for call in calls}
        return self._in_processes(function, calls)

    def _here(self, function: Callable[..., Any], call: tuple) -> Any:
        result = function(*call, self.progress.here(call[0].name))
        self.progress.done(call[0].name)
        return result

    def _in_processes(self, function: Callable[..., Any], calls: Sequence[tuple]) -> dict[Job, Any]:
        found: dict[Job, Any] = {}
        pool, board = self._processes(), self.progress.board
        waiting = {pool.submit(_in_worker, function, call, board): call[0] for call in calls}
        try:
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
        return {call[0]: found[call[0]] for call in calls}

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, context, initializer=_one_thread)
        return self._pool

    def _finished(self, waiting: dict[Future, Job]) -> Iterable[Future]:
        self.progress.refresh()
        return wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED).done


def _one_thread() -> None:
    import torch

    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers

    quiet()
    # several processes of several threads each slow each other down many-fold
    torch.set_num_threads(1)


def _in_worker(function: Callable[..., Any], call: tuple, board: Board) -> Any:
    return function(*call, board.say(call[0].name))
