"""A reply within its time and its size, whatever the server does.

httpx counts the seconds without a byte, so a server that drips a byte a second is never late. Here every read of a
request gets what is left until one deadline, headers included, and a body that grows too large is left unread.
"""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

LARGEST = 2**24  # bytes of a reply
_request = threading.local()  # .until: when the reply of this thread's request must be there


class TooLarge(httpx.HTTPError):
    """The body is larger than any chat completion."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Whatever this thread reads from a server must be read within so many seconds."""
    _request.until = time.monotonic() + seconds
    try:
        yield
    finally:
        _request.until = None


def body(response: httpx.Response) -> bytes:
    """The body of a streamed reply; TooLarge as soon as it is."""
    found = bytearray()
    for piece in response.iter_bytes():
        found += piece
        if len(found) > LARGEST:
            raise TooLarge(f"more than {LARGEST:,} bytes")
    return bytes(found)


def with_deadlines(client: httpx.Client) -> httpx.Client:
    """The client, proxies of the environment included, reading against the deadline of `within`."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend()
    return client


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *given: Any, **more: Any) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(*given, **more))


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream):
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    until = getattr(_request, "until", None)
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise late("the reply's time is over")
    return left if timeout is None else min(timeout, left)
