"""How the tests of the client ask the stub server."""

import time

from chat_server import ChatStub, answer

from experiments.judging.server.client import ChatRequest, ChatServer
from experiments.judging.server.replies import Reply

KEY = "sk-secret-0123456789"
VARIABLE = "TESTER_KEY"


def client(stub: ChatStub, **more) -> ChatServer:
    given = {"key_variable": VARIABLE, "timeout": 10.0, "attempts": 3, **more}
    return ChatServer(stub.url, "tester", **given)


def ask(server: ChatServer, text: str = "hello", **options) -> Reply:
    return server.ask([{"role": "user", "content": text}], **{"max_tokens": 3, **options})


def request(text: str = "hello", **options) -> ChatRequest:
    return ChatRequest([{"role": "user", "content": text}], {"max_tokens": 3, **options})


def slow_answer(handler, body) -> None:
    time.sleep(0.05)
    answer()(handler, body)
