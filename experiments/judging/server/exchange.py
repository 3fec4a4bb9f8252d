"""Concurrent requests to one server through the official `openai` client.

The client tries temporary failures (429, 5xx, timeouts, lost connections) again, after the time that Retry-After gives
or a growing pause with jitter. This module adds:

1. The first request is sent alone, so that only one request fails if the server refuses one of its parameters.
2. `max_tokens` and `max_completion_tokens` mean the same; if a server refuses one, the other is sent.
3. An error that every request would meet (401, 403, 404, an empty account, a parameter) ends everything with one line.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from experiments.judging.server import refusals
from experiments.judging.server.budget import Unanswered
from experiments.judging.server.connection import Connection, NoCompletion
from interp.errors import TriggerLensError

STRANGE = 5  # replies that are not chat completions before giving up, if none was one
SHOWN = 80  # characters of a reply that is no chat completion
KEYLESS = {
    "Authorization": openai.Omit()
}  # the connection adds the key, so that no object stores it
TWINS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


class ServerRefused(TriggerLensError):
    """No request to this server can succeed."""


class GivenUp(Unanswered):
    """Every attempt failed."""


@dataclass
class Known:
    """What the replies of one server have shown so far."""

    understood: bool = False  # it has sent a chat completion
    strange: list[str] = field(default_factory=list)  # replies that are not completions
    refused: int = 0  # requests refused before the first completion
    renamed: dict[str, str] = field(default_factory=dict)  # parameters it wants under another name


@dataclass
class Exchange:
    """The requests of one call; `answer` returns the kept reply, or raises with the reason why there is none."""

    name: str
    url: str
    model: str
    attempts: int
    connection: Connection
    known: Known

    def __post_init__(self) -> None:
        self._client = openai.AsyncOpenAI(
            api_key="unused",
            base_url=self.url,
            timeout=None,
            max_retries=self.attempts - 1,
            http_client=self.connection,
        )
        self.connection.on_strange = self._puzzled
        self._first = asyncio.Lock()
        self._asked = self.known.understood
        self._over = False

    async def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The kept parts of the reply to one request; the first request is sent alone."""
        async with self._first:
            if not self._asked:
                try:
                    return await self._unless_over(body)
                finally:
                    self._asked = True
        return await self._unless_over(body)

    async def _unless_over(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The reply; nothing more is sent after an error that ends everything."""
        if self._over:
            raise Unanswered("not sent")
        try:
            return await self._adapted(body)
        except ServerRefused:
            self._over = True
            raise

    async def _adapted(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send the request with the parameter names that the server accepts, which are found out once."""
        sent = {self.known.renamed.get(name, name): value for name, value in body.items()}
        try:
            return await self._post(sent)
        except openai.APIStatusError as error:
            refusal = error.response
        named = refusals.parameters_named(refusal, sent)
        for name in named if not self.known.understood else ():
            if name in TWINS:
                renamed = {name: TWINS[name]}
                try:
                    found = await self._post({renamed.get(key, key): sent[key] for key in sent})
                except openai.APIStatusError:  # the first refusal is more informative
                    break
                self.known.renamed.update(renamed)
                return found
        raise self._refused(refusal, named)

    async def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            found: Any = await self._client.post(
                "/chat/completions", cast_to=object, body=body, options={"headers": KEYLESS}
            )
        except openai.APITimeoutError:
            raise self._given_up(f"no answer within {self.connection.seconds:g} s") from None
        except openai.APIConnectionError as error:
            raise self._given_up(self._lost(error.__cause__)) from None
        self.known.understood = True
        return found

    def _lost(self, cause: BaseException | None) -> str:
        if isinstance(cause, httpx2.ConnectError):
            return "cannot connect"
        if isinstance(cause, NoCompletion):
            return str(cause)
        return f"connection lost ({type(cause).__name__})"

    def _puzzled(self, said: str) -> None:
        """Count a reply that is not a chat completion; end everything if there never was one that is."""
        strange = self.known.strange
        strange.append(" ".join(said.split())[:SHOWN])
        if len(strange) >= STRANGE and not self.known.understood:
            raise ServerRefused(
                f"{self.name}: {len(strange)} replies and none is a chat completion, the first is {strange[0]!r}; give"
                " the base URL of an OpenAI-compatible server, usually ending in /v1, not "
                f"{refusals.place(self.url)}"
            )

    def _given_up(self, reason: str) -> GivenUp:
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return GivenUp(f"{reason} ({times})")

    def _refused(self, response: httpx2.Response, named: list[str]) -> Exception:
        """The error for a status other than 200: for this request only, or for all."""
        said, status = refusals.complaint(response), response.status_code
        if refusals.is_fatal(response):
            variable = self.connection.key.variable
            why = refusals.fatal_reason(response, self.url, self.model, variable)
            return ServerRefused(f"{self.name} answers {status}: {why}")
        if status in (408, 409, 429) or status >= 500:
            return self._given_up(said)
        if not self.known.understood:
            self.known.refused += 1
            if named:
                advice = refusals.parameter_advice(named)
                return ServerRefused(f"{self.name} refuses the request: {said}; {advice}")
            if self.known.refused >= STRANGE:
                return ServerRefused(
                    f"{self.name} has refused each of {self.known.refused} requests: {said}; change what it"
                    " names with --request KEY=VALUE, or leave it out with --request KEY=null"
                )
        return Unanswered(said)
