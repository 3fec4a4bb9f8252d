"""A real HTTP server that speaks the chat protocol and fails on demand, for tests."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler", dict[str, Any]], None]


def completion(text: str = "85", candidates: dict[str, float] | None = None, **more: Any) -> dict:
    """A chat completion; `candidates` are probabilities of the first token."""
    tokens = more.pop("tokens", [text])
    shown = candidates if candidates is not None else {text: 1.0}
    top = [{"token": t, "logprob": math.log(p) if p else -math.inf} for t, p in shown.items()]
    content = [{"token": t, "logprob": 0.0, "top_logprobs": top} for t in tokens]
    choice = {
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }
    usage = {"prompt_tokens": 40, "completion_tokens": 3}
    return {"model": "tester", "choices": [choice], "usage": usage, **more}


def answer(text: str = "85", candidates: dict[str, float] | None = None, **more: Any) -> Behaviour:
    """200 with a chat completion."""
    return status(200, completion(text, candidates, **more))


def status(code: int, body: Any = "", **headers: str) -> Behaviour:
    """Any status; a dict is sent as JSON, headers with _ for -."""

    def behave(handler: "Handler", _: dict[str, Any]) -> None:
        content = body if isinstance(body, str) else json.dumps(body)
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content.encode())))
        handler.end_headers()
        handler.wfile.write(content.encode())

    return behave


def hang(seconds: float) -> Behaviour:
    """Says nothing for a while, then nothing at all."""
    return lambda handler, _: time.sleep(seconds)


def drop(handler: "Handler", _: dict[str, Any]) -> None:
    """Closes the connection without a word."""
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the behaviour whose turn it is."""

    protocol_version = "HTTP/1.1"
    server: "ChatStub"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behave = self.server.turn(body, dict(self.headers), self.path)
        try:
            behave(self, body)
            if behave is drop:
                self.connection.close()
        finally:
            self.server.leave()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class ChatStub(ThreadingHTTPServer):
    """`script` holds the next behaviours, `default` what comes after; `requests` what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Behaviour] = []
        self.default: Behaviour = answer()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.inside = self.most_inside = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def turn(self, body: dict[str, Any], headers: dict[str, str], path: str) -> Behaviour:
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            self.paths.append(path)
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            return self.script.pop(0) if self.script else self.default

    def leave(self) -> None:
        with self._lock:
            self.inside -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that gave up is what some tests are about


@contextmanager
def chat_stub() -> Iterator[ChatStub]:
    """A running server, closed afterwards."""
    with ChatStub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
