"""A judge's server of which three requests in ten go wrong, and what it would charge for each."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chat_server import ChatStub, Handler, chat_stub, completion, drop, status

SHARE = 0.3
TOKENS_IN, TOKENS_OUT = 40, 3  # of every completion
LINE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def cut(handler: Handler, _: dict[str, Any]) -> None:
    """Half of a reply."""
    handler.wfile.write(LINE + b'Content-Length: 5000\r\n\r\n{"choices": [')
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.close()


def garbage(handler: Handler, _: dict[str, Any]) -> None:
    """Bytes that are no HTTP."""
    handler.wfile.write(b"\x00\xff\x00 not even close\r\n\r\n")
    handler.close_connection = True


def drip(seconds: float, *, headers: bool) -> Callable[[Handler, dict[str, Any]], None]:
    """A byte now and then, never late by itself."""

    def behave(handler: Handler, _: dict[str, Any]) -> None:
        start = LINE if headers else LINE + b"Content-Length: 100000\r\n\r\n"
        until = time.monotonic() + seconds
        handler.wfile.write(start)
        while time.monotonic() < until:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)
        handler.close_connection = True

    return behave


class Unreliable:
    """Faults drawn from a request and how often it came, so that every run of the tests meets the same ones."""

    def __init__(self, stub: ChatStub, slow: float, key: str):
        self.seen: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()  # whole completions, by prompt
        self.charged = 0.0  # tokens, of whatever was begun
        self.faults: Counter[str] = Counter()
        self.kinds: dict[str, Any] = {
            "429": status(429, f"slow down, {key}", Retry_After="0"),
            "500": status(500, f"oops, {key}"),
            "503": status(503, "busy"),
            "page": status(200, "<html>a proxy says hello</html>"),
            "wrong JSON": status(200, {"choices": [{"message": {"content": 7}}], "usage": []}),
            "drop": drop,
            "cut": cut,
            "garbage": garbage,
            "hang": lambda handler, _: time.sleep(slow),
            "drip": drip(slow, headers=False),
            "drip in the headers": drip(slow, headers=True),
        }
        self.often = [*list(self.kinds)[:8]] * 8 + list(self.kinds)[8:]  # the slow ones are rare
        self._stub = stub
        stub.default = self

    def __call__(self, handler: Handler, body: dict[str, Any]) -> None:
        prompt = body["messages"][-1]["content"]
        with self._stub._lock:
            self.seen[prompt] += 1
            kind = self.kind(prompt, self.seen[prompt])
            self.faults[kind or "none"] += 1
            if kind not in ("429", "500", "503", "drop", "garbage"):
                self.charged += TOKENS_IN + TOKENS_OUT
            if kind is None:
                self.paid[prompt] += 1
        if kind is None:
            usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT}
            status(200, completion("85", {"85": 0.9, "no": 0.1}, usage=usage))(handler, body)
        else:
            self.kinds[kind](handler, body)

    def kind(self, prompt: str, time_asked: int) -> str | None:
        """Which fault, or none."""
        digest = hashlib.sha256(json.dumps([prompt, time_asked]).encode()).digest()
        if digest[0] >= SHARE * 256:
            return None
        return self.often[int.from_bytes(digest[1:3], "big") % len(self.often)]


@contextmanager
def unreliable(slow: float, key: str) -> Iterator[tuple[ChatStub, Unreliable]]:
    """A running server."""
    with chat_stub() as stub:
        yield stub, Unreliable(stub, slow, key)
