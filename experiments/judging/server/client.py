"""Ask an OpenAI-compatible server: bounded concurrency, retries with backoff, one payment a request.

1. 429, 5xx, timeouts, dropped connections and replies that are no JSON are tried again, after what
   Retry-After says or an exponential pause with jitter. In the end the request is `Unanswered`; many
   of them in a row end everything.
   A server that has never answered with anything else is given up after a handful of replies that are no chat
   completion: it is another kind of server.
2. A request that the server refuses for itself (400, 413, 422) is `Unanswered` at once.
3. What no other request would survive (401, 403, 404, an empty account) ends everything, in one line.

Protocol: POST `/chat/completions`, as vLLM, llama.cpp, Ollama and the paid services speak it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_attempt,
    wait_random_exponential,
)

from experiments.judging.server.address import check_address
from experiments.judging.server.budget import Budget, Unanswered
from experiments.judging.server.key import EnvironmentKey
from experiments.judging.server.limits import TooLarge, with_deadlines, within
from experiments.judging.server.limits import body as read
from experiments.judging.server.replies import Reply, kept, reply_of, usage
from experiments.judging.server.transcripts import Transcripts

LONGEST_PAUSE = 120.0  # seconds; a server that asks for more is asked again after this
FATAL = {
    401: "it does not accept the key",
    402: "the account cannot pay",
    403: "it forbids this",
}
KEPT_HEADERS = ("retry-after", "location")
STRANGE = 5  # replies that are no chat completion, before the first that is one
AGAIN = {408, 409, 425, 429}
QUOTED = 200  # characters of a server's complaint
SHOWN = 80  # characters of a reply that is no chat completion
IN_A_ROW = 10  # requests given up one after the other, at least, before everything ends

Progress = Callable[[int, int], None]  # (requests done, requests in all)


class ServerRefused(ValueError):
    """No request to this server can succeed."""


class GivenUp(Unanswered):
    """Every attempt failed."""


class _Again(Exception):
    """Worth another attempt."""

    def __init__(self, reason: str, after: float | None = None):
        super().__init__(reason)
        self.reason, self.after = reason, after


@dataclass(frozen=True)
class ChatServer:
    """A model behind an address such as http://localhost:8000/v1; threads may share it."""

    url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    timeout: float = 120.0  # seconds for a whole reply
    attempts: int = 6
    concurrency: int = 8
    budget: Budget = field(default_factory=Budget)
    transcripts: Transcripts = field(default_factory=Transcripts)
    extra: Mapping[str, Any] = field(default_factory=dict)
    pause: float = 1.0  # seconds; the backoff's unit
    _key: EnvironmentKey = field(init=False, repr=False)
    _http: httpx.Client = field(init=False, repr=False)
    _stopped: Event = field(init=False, repr=False, default_factory=Event)
    _understood: Event = field(init=False, repr=False, default_factory=Event)
    _strange: list[str] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        check_address(self.url)
        if self.concurrency < 1 or self.attempts < 1:
            raise ValueError("concurrency and attempts must be at least 1")
        object.__setattr__(self, "_key", EnvironmentKey(self.key_variable))
        self._key.value()  # refused before anything is sent
        limits = httpx.Limits(max_connections=self.concurrency)
        object.__setattr__(
            self, "_http", with_deadlines(httpx.Client(timeout=self.timeout, limits=limits))
        )

    @property
    def name(self) -> str:
        """The model and where it answers."""
        return f"{self.model} at {httpx.URL(self.url).netloc.decode()}"

    def ask(self, messages: Sequence[Mapping[str, str]], **options: Any) -> Reply:
        """The reply to a chat; Unanswered or ServerRefused say why there is none."""
        clean = [{name: _sendable(text) for name, text in each.items()} for each in messages]
        body = {"model": self.model, "messages": clean, **options, **self.extra}
        request = {"url": self.url.rstrip("/"), "body": body}
        return reply_of(self.transcripts.once(request, lambda: self._paid(body)))

    def ask_all(
        self, asks: Sequence[Callable[[], Reply]], progress: Progress | None = None
    ) -> list[Reply | Unanswered]:
        """Many requests, at most `concurrency` at a time, in the order given; the first fatal error ends them."""
        self._stopped.clear()
        pool = ThreadPoolExecutor(self.concurrency)
        try:
            futures = [pool.submit(_or_reason, ask) for ask in asks]
            given_up = 0
            for done, future in enumerate(as_completed(futures), start=1):
                given_up = given_up + 1 if isinstance(future.result(), GivenUp) else 0
                self._check(given_up, future.result())
                if progress is not None:
                    progress(done, len(futures))
            return [future.result() for future in futures]
        finally:
            self._stopped.set()  # whatever still waits for its next attempt ends now
            pool.shutdown(wait=True, cancel_futures=True)
            self._stopped.clear()

    def _check(self, given_up: int, last: Reply | Unanswered) -> None:
        if given_up >= max(IN_A_ROW, 2 * self.concurrency) and isinstance(last, Unanswered):
            raise ServerRefused(f"{self.name}: {given_up} requests in a row failed; {last.reason}")

    def _paid(self, body: dict[str, Any]) -> dict[str, Any]:
        attempts = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=self._wait,
            retry=retry_if_exception_type(_Again),
            sleep=sleep_using_event(self._stopped),
            reraise=True,
        )
        try:
            return attempts(self._attempt, body)
        except _Again as error:
            times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
            raise GivenUp(f"{error.reason} ({times})") from None

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        after = getattr(error, "after", None)
        backoff = wait_random_exponential(multiplier=self.pause, max=LONGEST_PAUSE)(state)
        return backoff if after is None else min(max(after, 0.0), LONGEST_PAUSE)

    def _attempt(self, body: dict[str, Any]) -> dict[str, Any]:
        """One call: set its price aside, send it, book what it cost."""
        if self._stopped.is_set():
            raise Unanswered("stopped")
        prompt = "".join(message["content"] for message in body["messages"])
        reserved = self.budget.reserve(prompt, _longest(body))
        counts: tuple[int | None, int | None] | None = None
        charged = True  # until the server has said that it was not
        try:
            response = self._send(body)
            charged = response.status_code == 200
            found = self._read(response)
            counts = usage(found)
            return found
        except (httpx.ConnectError, httpx.ConnectTimeout):
            charged = False
            raise _Again("cannot connect") from None
        finally:
            if charged:
                self.budget.settle(reserved, *(counts or (None, None)))
            else:
                self.budget.release(reserved)

    def _send(self, body: dict[str, Any]) -> httpx.Response:
        address = f"{self.url.rstrip('/')}/chat/completions"
        try:
            with (
                within(self.timeout),
                self._http.stream("POST", address, json=body, auth=self._key) as response,
            ):
                kept = [(k, v) for k, v in response.headers.items() if k in KEPT_HEADERS]
                return httpx.Response(response.status_code, headers=kept, content=read(response))
        except TooLarge as error:
            raise _Again(f"the reply is no chat completion ({error})") from None
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except httpx.TimeoutException:
            raise _Again(f"no answer within {self.timeout:g} s") from None
        except httpx.HTTPError as error:
            raise _Again(f"connection lost ({type(error).__name__})") from None

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        """What of the reply is kept, or the exception that its status asks for."""
        text = self._key.without(response.text)
        status = response.status_code
        complaint = f"HTTP {status}: {' '.join(text.split())[:QUOTED]}"
        if (
            status in FATAL
            or status == 404
            or 300 <= status < 400
            or ("insufficient_quota" in text and status == 429)
        ):
            # the body stays out of it: a server may quote a part of the key
            raise ServerRefused(f"{self.name} answers {status}: {self._why(response)}")
        if status in AGAIN or status >= 500:
            raise _Again(complaint, _seconds(response.headers.get("Retry-After")))
        if status != 200:
            raise Unanswered(complaint)
        try:
            found = kept(json.loads(text))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            self._puzzled(text)
            raise _Again("the reply is no chat completion") from None
        self._understood.set()
        return found

    def _puzzled(self, text: str) -> None:
        """Count a reply that is no chat completion; end everything where there never was another kind."""
        self._strange.append(text)
        if len(self._strange) >= STRANGE and not self._understood.is_set():
            said = " ".join(self._strange[0].split())[:SHOWN]
            raise ServerRefused(
                f"{self.name}: {len(self._strange)} replies and none is a chat completion, the first is {said!r}; "
                f"give the base URL of an OpenAI-compatible server, usually ending in /v1, not {_place(self.url)}"
            )

    def _why(self, response: httpx.Response) -> str:
        """What a status that no other request would survive means, and the mend."""
        status = response.status_code
        if status == 404:
            v1 = "" if self.url.rstrip("/").endswith("/v1") else ", which usually ends in /v1"
            return (
                f"it knows no model {self.model!r} or no {_place(self.url)}/chat/completions; "
                f"check the model's name and the base URL{v1}"
            )
        if 300 <= status < 400:
            location = self._key.without(response.headers.get("Location", ""))
            to = _moved_to(self.url, location) if location else ""
            return f"it has moved; give the base URL it has moved to{f', {to}' if to else ''}"
        if status == 429:
            return "the account is empty; pay in, or give the key of another account"
        mend = f"; its key is read from {self.key_variable}" if status in (401, 403) else ""
        return f"{FATAL[status]}{mend}"


def _or_reason(ask: Callable[[], Reply]) -> Reply | Unanswered:
    try:
        return ask()
    except Unanswered as error:
        return error


def _place(address: str) -> str:
    """An address without what may hold a secret: user, password, query."""
    url = httpx.URL(address)
    return f"{url.scheme}://{url.netloc.decode()}{url.path}".rstrip("/")


def _moved_to(address: str, location: str) -> str:
    """The base URL that a redirection names; "" where it names none."""
    try:
        return _place(str(httpx.URL(address).join(location))).removesuffix("/chat/completions")
    except httpx.InvalidURL:
        return ""


def _longest(body: Mapping[str, Any]) -> int:
    return int(body.get("max_tokens") or body.get("max_completion_tokens") or 0)


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; a date is left to the backoff."""
    try:
        return float(header) if header else None
    except ValueError:
        return None


def _sendable(text: str) -> str:
    """Half a surrogate pair, which a cut-off answer may hold, cannot be sent."""
    return text.encode("utf-8", "replace").decode()
