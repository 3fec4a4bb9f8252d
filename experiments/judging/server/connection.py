"""The HTTP client of the official client: it bounds the time and size of replies and books what they cost.

httpx2 limits only the time between bytes, so a server that sends one byte per second never times out. Here one deadline
holds for the whole reply, including its headers. A reply that is not a chat completion is a protocol error, which the
official client tries again, like lost connections, 408, 409, 429 and 5xx.
"""

import asyncio
import json
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx2

from experiments.judging.server.budget import Budget
from experiments.judging.server.key import EnvironmentKey
from experiments.judging.server.replies import kept, usage
from interp.errors import TriggerLensError

LARGEST = 2**24  # bytes of a reply
LONGEST_PAUSE = 120.0  # seconds; used if a server demands a longer pause
KEPT_HEADERS = ("location", "retry-after", "retry-after-ms", "x-should-retry")
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class NoCompletion(httpx2.RemoteProtocolError):
    """A reply that is not a chat completion; `said` is its text."""

    def __init__(self, said: str):
        super().__init__("the reply is not a chat completion")
        self.said = said


class Connection(httpx2.AsyncClient):
    """An `httpx2.AsyncClient` that uses the environment's proxies and does not follow redirections."""

    def __init__(self, key: EnvironmentKey, budget: Budget, seconds: float):
        """`seconds` is the time limit for a whole reply."""
        super().__init__(auth=key, follow_redirects=False, verify=_certificates())
        self.key, self.budget, self.seconds = key, budget, seconds
        self.on_strange: Callable[[str], None] = lambda said: None  # called if it is no completion
        self.sending: set[asyncio.Task[Any] | None] = set()  # tasks waiting for a reply

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """One attempt: reserve its price, send it, and book what it cost."""
        reserved = await self._reserve(json.loads(request.content))
        counts: tuple[int | None, int | None] = (None, None)
        charged = True  # unless the server says that it was not
        self.sending.add(asyncio.current_task())
        try:
            response = await self._whole(request)
            charged = response.status_code == 200
            if charged:
                found = completion_of(response.text)
                counts = usage(found)
                response = httpx2.Response(200, json=found, request=request)
            return response
        except NoCompletion as error:
            self.on_strange(error.said)
            raise
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            charged = False
            raise
        finally:
            self.sending.discard(asyncio.current_task())
            if charged:
                self.budget.settle(reserved, *counts)
            else:
                self.budget.release(reserved)

    async def _reserve(self, body: dict[str, Any]) -> float:
        """Wait until the highest price of a call can be reserved."""
        longest = body.get("max_tokens") or body.get("max_completion_tokens")
        if longest is None and self.budget.cap is not None:
            raise TriggerLensError(
                "a spending cap needs max_tokens or max_completion_tokens; give one"
            )
        prompt = "".join(message["content"] for message in body["messages"])
        while (reserved := self.budget.reserve(prompt, int(longest or 0))) is None:
            await asyncio.sleep(0.01)
        return reserved

    async def _whole(self, request: httpx2.Request) -> httpx2.Response:
        """The reply with its whole body; the key is removed from it."""
        body = bytearray()
        try:
            async with asyncio.timeout(self.seconds):
                response = await super().send(request, stream=True)
                try:
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > LARGEST:
                            raise NoCompletion(f"more than {LARGEST:,} bytes")
                finally:
                    await response.aclose()
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no whole reply in {self.seconds:g} s") from None
        text = self.key.without(body.decode("utf-8", "replace"))
        headers = {
            name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
        }
        return httpx2.Response(
            response.status_code, headers=_patient(headers, text), text=text, request=request
        )


@cache
def _certificates() -> ssl.SSLContext:
    """The certificates of the system, read once."""
    return httpx2.create_ssl_context()


def completion_of(text: str) -> dict[str, Any]:
    """The parts of a chat completion that are kept; NoCompletion if the text is not one."""
    try:
        return kept(json.loads(text))
    except UNREADABLE:
        raise NoCompletion(text) from None


def _patient(headers: dict[str, str], text: str) -> dict[str, str]:
    """Headers that make the official client wait at most LONGEST_PAUSE, and not at all for an empty account."""
    try:
        pause = min(float(headers["retry-after"]), LONGEST_PAUSE)
        headers["retry-after"] = f"{pause:g}"
    except (KeyError, ValueError):  # a date is left to the official client
        pass
    if "insufficient_quota" in text:
        headers["x-should-retry"] = "false"
    return headers
