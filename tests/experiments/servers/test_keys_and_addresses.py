"""A key comes from the environment and goes nowhere but to its server; addresses that could leak it are refused."""

import logging
import traceback
from pathlib import Path

import pytest
from chat_server import answer, status

from experiments.judging.server.address import is_local
from experiments.judging.server.budget import Unanswered
from experiments.judging.server.client import ChatServer, ServerRefused
from experiments.judging.server.transcripts import Transcripts
from tests.experiments.servers.asking import KEY, VARIABLE, ask, client


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(stub, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    stub.script = [answer(f"your key is {KEY}"), status(400, f"not {KEY}"), status(401, KEY)]
    server = client(stub, transcripts=Transcripts(tmp_path / "t.jsonl"))
    assert ask(server).text == "your key is [key]"
    traces = []
    for text in ("two", "three"):
        try:
            ask(server, text)
        except (Unanswered, ServerRefused):
            traces.append(traceback.format_exc())
    assert len(traces) == 2
    assert {headers["Authorization"] for headers in stub.headers} == {f"Bearer {KEY}"}
    seen = [*traces, repr(server), repr(vars(server)), caplog.text]
    seen += [path.read_text() for path in Path(tmp_path).iterdir()]
    assert [text for text in seen if KEY in text] == []


def test_without_a_key_none_is_sent(stub, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    ask(client(stub))
    assert "Authorization" not in stub.headers[0]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/v1", "give http://HOST/v1 or https://"),
        ("localhost:8000", "give http://HOST/v1 or https://"),
        (f"http://me:{KEY}@host/v1", "server host: no user, password or key"),
        (f"http://host/v1?key={KEY}", "server host: no user, password or key"),
    ],
)
def test_an_address_that_cannot_be_or_holds_a_secret_is_refused(url, message):
    with pytest.raises(ValueError, match=message) as raised:
        ChatServer(url, "tester")
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("key", [KEY, "abc0123456789def", "A" * 64])
def test_a_key_in_place_of_its_variable_is_refused_without_repeating_it(key):
    with pytest.raises(ValueError, match="must be a name such as OPENAI_API_KEY") as raised:
        ChatServer("http://host/v1", "tester", key_variable=key)
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["http://me:sk-SECRET@host/v1", "https://host/v1?key=sk-SECRET", "https://host/#sk-SECRET"],
)
def test_an_address_with_a_key_in_it_is_refused_unquoted(url):
    with pytest.raises(ValueError, match=r"server host: no user, password or key") as caught:
        ChatServer(url, "tester")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["localhost:8000", "http://[", "http://host:99999/v1", "ftp://host"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError, match=r"give http://HOST/v1 or https://"):
        ChatServer(url, "tester")


@pytest.mark.parametrize("inside", ["sk-a\nb", "sk-a\tb", "sk-a b", "sk-\u00e4", "sk-\x7f"])
def test_a_key_that_no_header_can_carry_is_one_line_and_never_shown(stub, monkeypatch, inside):
    monkeypatch.setenv(VARIABLE, inside)
    with pytest.raises(ValueError, match=rf"\A{VARIABLE} holds characters that no key") as raised:
        client(stub)
    assert "sk-" not in str(raised.value) and "\n" not in str(raised.value)
    monkeypatch.setenv(VARIABLE, f"  {KEY}\n")  # around it, as a file's last line leaves it
    assert ask(client(stub)).text == "85"
    assert stub.headers[-1]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://LOCALHOST./v1", True),
        ("http://model.localhost/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://127.1.2.3/v1", True),
        ("http://[::1]:8000/v1", True),
        ("https://localhost.example/v1", False),
        ("https://127.0.0.1.example/v1", False),
        ("https://example.org//localhost", False),
        ("http://10.0.0.1/v1", False),
    ],
)
def test_this_machine_is_told_from_hosts_that_look_like_it(url, local):
    assert is_local(url) is local
