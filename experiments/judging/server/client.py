"""Ask an OpenAI-compatible server: bounded concurrency, each request paid once, and a stop if going on is pointless.

1. Temporary failures are tried again (see `experiments.judging.server.exchange`). If this does not help, the request is
   `Unanswered`; many such requests in a row end everything.
2. A server whose first few replies are not chat completions is given up: it is another kind of server.
3. A request that the server refuses because of its content (400, 413, 422) is `Unanswered` at once.
4. However a call ends, requests under way are waited for, because they are paid for.

Protocol: POST `/chat/completions`, as for vLLM, llama.cpp, Ollama and the paid services.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from experiments.judging.server.address import check_address
from experiments.judging.server.budget import Budget, Unanswered
from experiments.judging.server.connection import Connection
from experiments.judging.server.exchange import Exchange, GivenUp, Known, ServerRefused
from experiments.judging.server.key import EnvironmentKey, variable_for
from experiments.judging.server.replies import Reply, reply_of
from experiments.judging.server.transcripts import Transcripts
from interp.errors import TriggerLensError

__all__ = ["ChatRequest", "ChatServer", "GivenUp", "Progress", "ServerRefused"]

IN_A_ROW = 10  # failed requests in a row, at least, before everything ends
OURS = {"model", "messages", "stream", "n"}  # parameters that each request sets itself
LENGTHS = {"max_tokens", "max_completion_tokens"}

Progress = Callable[[int, int], None]  # (requests done, requests in all)
Result = TypeVar("Result")


@dataclass(frozen=True)
class ChatRequest:
    """A chat, and the request's parameters, such as `max_tokens`."""

    messages: Sequence[Mapping[str, str]]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ChatServer:
    """A model behind an address such as http://localhost:8000/v1.

    `extra` are parameters for every request; they replace the request's own, and None omits a parameter.
    `key_variable` None means OPENAI_API_KEY, which is not sent to servers on this machine.
    """

    url: str
    model: str
    key_variable: str | None = None
    timeout: float = 120.0  # seconds for a whole reply
    attempts: int = 6
    concurrency: int = 8
    budget: Budget = field(default_factory=Budget)
    transcripts: Transcripts = field(default_factory=Transcripts)
    extra: Mapping[str, Any] = field(default_factory=dict)
    _key: EnvironmentKey = field(init=False, repr=False)
    _known: Known = field(init=False, repr=False, default_factory=Known)

    def __post_init__(self) -> None:
        check_address(self.url)
        if self.concurrency < 1 or self.attempts < 1:
            raise TriggerLensError("concurrency and attempts must be at least 1")
        if ours := sorted(OURS & self.extra.keys()):
            raise TriggerLensError(
                f"request parameter {ours[0]!r} is set by each request; leave it out"
            )
        key = EnvironmentKey(variable_for(self.url, self.key_variable))
        object.__setattr__(self, "_key", key)
        key.value()  # raises before anything is sent if the key is invalid

    @property
    def name(self) -> str:
        """The model and the server's address."""
        return f"{self.model} at {urlsplit(self.url).netloc}"

    def ask(self, messages: Sequence[Mapping[str, str]], **options: Any) -> Reply:
        """The reply to a chat; Unanswered or ServerRefused if there is none."""
        (reply,) = self.ask_all([ChatRequest(messages, options)])
        if isinstance(reply, Unanswered):
            raise reply
        return reply

    def ask_all(
        self, requests: Sequence[ChatRequest], progress: Progress | None = None
    ) -> list[Reply | Unanswered]:
        """Many requests, at most `concurrency` at a time, in the order given; the first fatal error ends them."""
        return _run(self._ask_all(requests, progress))

    async def _ask_all(
        self, requests: Sequence[ChatRequest], progress: Progress | None
    ) -> list[Reply | Unanswered]:
        async with Connection(self._key, self.budget, self.timeout) as connection:
            exchange = Exchange(
                self.name, self.url, self.model, self.attempts, connection, self._known
            )
            room = asyncio.Semaphore(self.concurrency)
            tasks = [asyncio.create_task(self._one(room, exchange, each)) for each in requests]
            try:
                await self._watch(tasks, progress)
                return [task.result() for task in tasks]
            finally:
                await _end(tasks, connection)

    async def _one(
        self, room: asyncio.Semaphore, exchange: Exchange, request: ChatRequest
    ) -> Reply | Unanswered:
        async with room:
            key, body = self._body(request)
            try:
                reply = reply_of(await self.transcripts.once(key, lambda: exchange.answer(body)))
                self._known.understood = True  # a reply from the transcripts also came from it
                return reply
            except Unanswered as error:
                return error

    async def _watch(
        self, tasks: Sequence["asyncio.Task[Reply | Unanswered]"], progress: Progress | None
    ) -> None:
        """Wait for all requests, or for the first one that ends everything."""
        given_up = 0
        for done, task in enumerate(asyncio.as_completed(tasks), start=1):
            last = await task
            given_up = given_up + 1 if isinstance(last, GivenUp) else 0
            if isinstance(last, GivenUp) and given_up >= max(IN_A_ROW, 2 * self.concurrency):
                raise ServerRefused(
                    f"{self.name}: {given_up} requests in a row failed; {last.reason}"
                )
            if progress is not None:
                progress(done, len(tasks))

    def _body(self, request: ChatRequest) -> tuple[dict[str, Any], dict[str, Any]]:
        """The key of a request in the transcripts, and the body that is sent."""
        options = {k: v for k, v in request.options.items() if not _replaced(k, self.extra)}
        given = {
            "model": self.model,
            "messages": _sendable(request.messages),
            **options,
            **self.extra,
        }
        body = {name: value for name, value in given.items() if value is not None}
        key = {"url": self.url.rstrip("/"), "body": body}
        if "seed" in request.options and "seed" not in body:
            key["sample"] = request.options["seed"]  # keeps samples apart if no seed is sent
        return key, body


def _replaced(name: str, extra: Mapping[str, Any]) -> bool:
    """Whether `extra` replaces a parameter; the maximum length of an answer has two names."""
    return name in LENGTHS and bool(LENGTHS & extra.keys())


def _sendable(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The messages with unpaired surrogates replaced; a cut-off answer may contain them, and they cannot be sent."""
    return [
        {name: text.encode("utf-8", "replace").decode() for name, text in message.items()}
        for message in messages
    ]


async def _end(tasks: Sequence["asyncio.Task[Any]"], connection: Connection) -> None:
    """Wait for replies that are under way; cancel requests that are not sent yet or wait for another attempt."""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            if task not in connection.sending:
                task.cancel()
        await asyncio.wait(waiting, timeout=0.05)
    await asyncio.gather(*tasks, return_exceptions=True)


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """The result, even if an event loop is already running, as in a notebook."""
    if not _is_looping():
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _is_looping() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
