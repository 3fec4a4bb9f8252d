"""A stub server, a key for it, and pauses between attempts that no test waits for."""

from collections.abc import Iterator

import pytest
from chat_server import ChatStub, chat_stub

from tests.experiments.servers.asking import KEY, VARIABLE


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with chat_stub() as server:
        yield server
