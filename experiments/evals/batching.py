"""Answers requests in batches although they arrive one by one: the one that finds the model free takes all that wait.

Inspect asks for one answer at a time, from many coroutines; a model on this machine answers a batch in about the time
of one. Requests of one batch have the same settings.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

Q = TypeVar("Q")
A = TypeVar("A")
GATHER = 0.01  # seconds in which others may join a batch


@dataclass(eq=False)
class Request(Generic[Q, A]):
    """A question and its settings; later also its answer, or the error."""

    asked: Q
    settings: Hashable
    answer: A | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        """Whether the request was answered or failed."""
        return self.answer is not None or self.error is not None


@dataclass(eq=False)
class Batches(Generic[Q, A]):
    """`run` answers requests with the same settings, in order; it is called in a thread, one call at a time."""

    run: Callable[[Hashable, Sequence[Q]], Sequence[A]]
    most: int
    waiting: list[Request[Q, A]] = field(default_factory=list)
    free: anyio.Lock = field(default_factory=anyio.Lock)

    async def ask(self, asked: Q, settings: Hashable) -> A:
        """The answer; an error of the batch is raised for each request in it."""
        request: Request[Q, A] = Request(asked, settings)
        self.waiting.append(request)
        try:
            async with self.free:
                if not request.done:
                    await anyio.sleep(GATHER)
                    await self._take(settings, request)
        finally:
            if request in self.waiting:
                self.waiting.remove(request)
        if request.answer is None:
            raise request.error or RuntimeError("a batch ended without this answer")
        return request.answer

    async def _take(self, settings: Hashable, first: Request[Q, A]) -> None:
        others = [r for r in self.waiting if r.settings == settings and r is not first]
        batch = [first, *others[: self.most - 1]]
        self.waiting = [request for request in self.waiting if request not in batch]
        try:
            questions = [request.asked for request in batch]
            answers = await anyio.to_thread.run_sync(self.run, settings, questions)
            for request, answer in zip(batch, answers, strict=True):
                request.answer = answer
        except Exception as error:
            for request in batch:
                request.error = error
