"""Progress on the screen: one bar for the study, one line for each job under way, and the time left.

Workers only write a line to a shared board; the process that shows the bars reads it.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.managers import SyncManager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from experiments.runtime.parent_watchdog import end_with_parent

LOG_EVERY = 30.0  # seconds between lines of a job that differ only in a count


@dataclass(frozen=True)
class Board:
    """Where jobs write what they are doing; it can be sent to worker processes."""

    lines: Any

    def say(self, job: str) -> Callable[[str], None]:
        """A function that writes the job's line."""

        def write(text: str) -> None:
            self.lines[job] = text

        return write


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to every process of a terminal
    end_with_parent()


class Progress:
    """A context manager around rich's bars; a log file gets plain lines: what a job does, its end, time left."""

    def __init__(self, total: int) -> None:
        self.console = Console(stderr=True)
        self.total = total
        self.finished = 0
        self.started = time.monotonic()
        self._said: dict[
            str, tuple[float, str]
        ] = {}  # job -> time and text of its last line in the log
        self._own = Board({})  # for jobs in this process
        self._shared: Board | None = None
        self._manager: SyncManager | None = None

    def __enter__(self) -> "Progress":
        self.bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.bars.start()
        self._all = self.bars.add_task("study", total=self.total)
        self._tasks: dict[str, Any] = {}
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()
        if self._manager is not None:
            self._manager.shutdown()

    @property
    def board(self) -> Board:
        """Where jobs in other processes write; the first use starts the process that holds it."""
        if self._shared is None:
            self._manager = SyncManager(ctx=multiprocessing.get_context("spawn"))
            self._manager.start(_start)
            self._shared = Board(self._manager.dict())
        return self._shared

    def expect(self, more: int) -> None:
        """Add jobs that were not known at the start."""
        self.total += more
        self.bars.update(self._all, total=self.total)

    def refresh(self) -> None:
        """Show the lines that workers have written."""
        for job, text in [line for board in self._boards() for line in dict(board.lines).items()]:
            if not self.console.is_terminal:
                self._log(job, text)
                continue
            if job not in self._tasks:
                self._tasks[job] = self.bars.add_task(job, total=None)
            self.bars.update(self._tasks[job], description=f"  {job}: {text}")

    def done(self, job: str) -> None:
        """A job has ended."""
        self.finished += 1
        for board in self._boards():
            board.lines.pop(job, None)
        if job in self._tasks:
            self.bars.remove_task(self._tasks.pop(job))
        self.bars.advance(self._all)
        if not self.console.is_terminal:
            self.say(f"{self.finished}/{self.total} {job} done{self._left()}")

    def here(self, job: str) -> Callable[[str], None]:
        """Like the board's `say`, for a job in this process."""
        write = self._own.say(job)

        def tell(text: str) -> None:
            write(text)
            self.refresh()

        return tell

    def say(self, text: str) -> None:
        """One plain line with the time since the start."""
        seconds = time.monotonic() - self.started
        line = f"[{seconds:6.0f} s] {text}"
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _boards(self) -> list[Board]:
        return [board for board in (self._own, self._shared) if board is not None]

    def _log(self, job: str, text: str) -> None:
        """Log a line if the job does something else, or from time to time if only its count changes."""
        when, before = self._said.get(job, (-LOG_EVERY, ""))
        another = text.split(",")[0] != before.split(",")[0]
        if another or (text != before and time.monotonic() - when > LOG_EVERY):
            self._said[job] = (time.monotonic(), text)
            self.say(f"{job}: {text}")

    def _left(self) -> str:
        """The time left; a rough guess, because jobs differ in length."""
        if self.finished == self.total:
            return ""
        passed = time.monotonic() - self.started
        return f", about {passed / self.finished * (self.total - self.finished):.0f} s left"


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in a terminal, nothing in a log; yields a function of (number done, total)."""
    console = Console(stderr=True)
    shape = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(
        *shape, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
