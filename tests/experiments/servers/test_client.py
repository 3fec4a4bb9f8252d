"""The client against a real server that fails in every way; nothing is paid twice, no key leaks."""

import logging
import os
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatStub, answer, chat_stub, completion, drop, hang, status

from experiments.judging.server.address import is_local
from experiments.judging.server.budget import Budget, CapReached, Unanswered
from experiments.judging.server.client import ChatRequest, ChatServer, GivenUp, ServerRefused
from experiments.judging.server.replies import Reply
from experiments.judging.server.transcripts import Transcripts

KEY = "sk-secret-0123456789"
VARIABLE = "TESTER_KEY"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with chat_stub() as server:
        yield server


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


@pytest.mark.parametrize(
    "failure",
    [
        status(429, "slow down", Retry_After="0"),
        status(429, "slow down", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
        status(500, "oops"),
        status(503, "busy"),
        status(408),
        drop,
        status(200, "<html>a proxy says hello</html>"),
        status(200, {"choices": []}),
        status(200, "[" * 100_000),
        status(200, {"choices": [{"message": {"content": 7}}], "usage": []}),
    ],
)
def test_what_may_pass_is_tried_again(stub, failure):
    stub.script = [failure, failure]
    assert ask(client(stub)).text == "85"
    assert len(stub.requests) == 3


def test_a_timeout_is_tried_again_and_booked_at_its_highest_price(stub):
    stub.script = [hang(1.0)]
    budget = Budget(price_in=1.0, price_out=1.0)
    assert ask(client(stub, timeout=0.2, budget=budget)).text == "85"
    assert len(stub.requests) == 2
    assert budget.calls == 2
    highest = len("hello") + 64 + 3
    assert budget.spent * 1e6 == pytest.approx(highest + 43)


@pytest.mark.parametrize(
    ("after", "pause"), [({"retry-after": "7"}, 7.0), ({"retry-after": "9999"}, 120.0), ({}, 0.001)]
)
def test_the_pause_is_what_the_server_asks_for_within_reason(stub, monkeypatch, after, pause):
    paused = []

    async def sleep(seconds):
        paused.append(seconds)

    monkeypatch.setattr("openai._base_client.anyio.sleep", sleep)
    stub.script = [status(503, "busy", **{name: value for name, value in after.items()})]
    assert ask(client(stub)).text == "85"
    assert paused == [pytest.approx(pause, rel=0.3)]


def test_a_server_that_is_not_there_costs_nothing():
    with chat_stub() as stub:
        server = client(stub, budget=Budget(cap=1, price_in=1e6, price_out=1e6))
        stub.server_close()
        stub.shutdown()
        with pytest.raises(Unanswered, match=r"cannot connect \(3 attempts\)|spending cap"):
            ask(server, "")
    assert server.budget.spent == 0


def test_what_is_given_up_says_why_and_is_asked_again_next_time(stub, tmp_path):
    stub.script = [status(500, "oops")] * 3
    server = client(stub, transcripts=Transcripts(tmp_path / "t.jsonl"))
    with pytest.raises(GivenUp, match=r"HTTP 500: oops \(3 attempts\)"):
        ask(server)
    assert ask(server).text == "85"
    assert len(stub.requests) == 4


def test_one_refused_request_does_not_stop_the_others(stub):
    stub.script = [status(400, {"error": "too long"})]
    server = client(stub, concurrency=1)
    replies = server.ask_all([request(text) for text in "abc"])
    assert isinstance(replies[0], Unanswered)
    assert replies[0].reason == 'HTTP 400: {"error": "too long"}'
    assert [reply.text for reply in replies[1:]] == ["85", "85"]
    assert len(stub.requests) == 3


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (status(401, f"bad key {KEY}"), f"answers 401: .*key; its key is read from {VARIABLE}"),
        (status(402), "answers 402: the account cannot pay"),
        (status(403, f"{KEY[:8]} may not"), "answers 403"),
        (
            status(404, "no model"),
            r"answers 404: it knows no model 'tester' or no http://127\.0\.0\.1:\d+/v1/chat/completions; "
            "check the model's name and the base URL$",
        ),
        (
            status(301, Location=f"https://me:{KEY}@example.org/v1/chat/completions?k={KEY}"),
            r"answers 301: it has moved; give the base URL it has moved to, https://example\.org/v1$",
        ),
        (
            status(302, Location="/v1/login"),
            r"answers 302: it has moved; give the base URL it has moved to, http://127.0.0.1:\d+/v1/login$",
        ),
        (status(307), "answers 307: it has moved; give the base URL it has moved to$"),
        (status(429, {"error": {"code": "insufficient_quota"}}), "429: the account is empty"),
    ],
)
def test_what_no_request_survives_ends_everything_at_once(stub, failure, message):
    stub.default = failure
    server = client(stub, concurrency=2)
    with pytest.raises(ServerRefused, match=message) as raised:
        server.ask_all([request(str(number)) for number in range(50)])
    assert len(stub.requests) < 10
    assert "sk-" not in str(raised.value)


def test_many_failures_in_a_row_end_everything(stub):
    stub.default = status(500, "oops")
    server = client(stub, concurrency=2, attempts=1)
    with pytest.raises(ServerRefused, match="10 requests in a row failed; HTTP 500: oops"):
        server.ask_all([request(str(number)) for number in range(500)])
    assert len(stub.requests) < 50


def test_a_reply_under_way_when_everything_ends_is_kept(stub, tmp_path):
    def behave(handler, body):
        text = body["messages"][0]["content"]
        if text == "slow":
            time.sleep(0.5)
        (status(401) if text == "wrong key" else answer())(handler, body)

    stub.default = behave
    kept = Transcripts(tmp_path / "t.jsonl")
    server = client(stub, concurrency=2, transcripts=kept)
    with pytest.raises(ServerRefused, match="answers 401"):
        server.ask_all([request(text) for text in ("first", "slow", "wrong key", "never sent")])
    assert len(kept) == 2 and len(stub.requests) == 3
    assert ask(server, "slow").text == "85" and len(stub.requests) == 3


def test_no_more_requests_at_a_time_than_allowed(stub):
    stub.default = slow_answer
    server = client(stub, concurrency=3)
    server.ask_all([request(str(number)) for number in range(12)])
    assert stub.most_inside == 3


def test_the_same_request_is_paid_once_even_by_two_threads(stub, tmp_path):
    stub.default = slow_answer
    kept = Transcripts(tmp_path / "t.jsonl")
    server = client(stub, transcripts=kept)
    assert len({reply.text for reply in server.ask_all([request()] * 8)}) == 1
    assert len(stub.requests) == 1
    kept.close()
    again = client(stub, transcripts=Transcripts(tmp_path / "t.jsonl"))
    assert ask(again).candidates == ((("85", 0.0),),)
    assert len(stub.requests) == 1
    ask(again, temperature=1)  # the twin: another request is another payment
    assert len(stub.requests) == 2


def test_a_line_that_a_kill_cut_off_is_asked_again(stub, tmp_path):
    path = tmp_path / "t.jsonl"
    kept = Transcripts(path)
    server = client(stub, transcripts=kept)
    ask(server, "one"), ask(server, "two")
    kept.close()
    path.write_bytes(path.read_bytes()[:-20])
    server = client(stub, transcripts=Transcripts(path))
    ask(server, "one"), ask(server, "two")
    assert len(stub.requests) == 3
    server.transcripts.close()
    assert len(Transcripts(path)) == 2


def test_a_damaged_or_busy_transcript_file_is_refused_by_name(tmp_path):
    path = tmp_path / "t.jsonl"
    kept = Transcripts(path)
    with pytest.raises(ValueError, match=rf"t.jsonl are in use by process {os.getpid()}"):
        Transcripts(path)
    kept.close()
    path.write_text('{"half"\n')
    with pytest.raises(ValueError, match=r"t.jsonl line 1 is not a transcript"):
        Transcripts(path)


def test_the_cap_holds_with_many_threads_and_the_rest_says_so(stub):
    stub.default = slow_answer
    budget = Budget(cap=200e-6, price_in=1, price_out=1)  # 43 tokens a call, 69 set aside
    server = client(stub, budget=budget, concurrency=8)
    replies = server.ask_all([request(f"{number:02}") for number in range(20)])
    assert len(stub.requests) == 4 and budget.spent == pytest.approx(172e-6)
    refused = [reply for reply in replies if isinstance(reply, CapReached)]
    assert len(refused) == 16
    assert refused[0].reason == "spending cap of 0.0002 USD reached"


def test_without_token_counts_the_highest_price_is_booked(stub):
    found = completion()
    del found["usage"]
    stub.default = status(200, found)
    budget = Budget(price_in=1, price_out=1)
    ask(client(stub, budget=budget))
    assert budget.spent == pytest.approx((len("hello") + 64 + 3) * 1e-6)


def test_amounts_that_do_not_add_up_exactly_keep_nobody_waiting():
    budget = Budget(cap=0.1, price_in=1, price_out=0)
    held = [budget.reserve("x" * length, 0) for length in (1, 37, 211)]
    for amount in held:
        budget.release(amount)
    budget.cap = 0.0
    with pytest.raises(CapReached):
        budget.reserve("x", 0)


def test_a_cap_needs_prices():
    with pytest.raises(ValueError, match="a spending cap needs the prices"):
        Budget(cap=1)


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


def test_half_a_character_and_a_trailing_slash_are_no_harm(stub):
    server = ChatServer(f"{stub.url}/", "tester", key_variable=VARIABLE)
    assert ask(server, "cut \ud83d").text == "85"
    assert stub.paths == ["/v1/chat/completions"]


def test_an_impossible_token_is_left_out(stub, tmp_path):
    stub.script = [answer("85", {"85": 1.0, "no": 0.0})]
    server = client(stub, transcripts=Transcripts(tmp_path / "t.jsonl"))
    assert ask(server).candidates == ((("85", 0.0),),)


def test_a_server_that_counts_below_nothing_gives_no_money_back(stub):
    stub.default = answer(usage={"prompt_tokens": 40, "completion_tokens": -1_000_000})
    budget = Budget(price_in=1.0, price_out=1.0)
    ask(client(stub, budget=budget))
    assert budget.spent * 1e6 == pytest.approx(len("hello") + 64 + 3)  # its highest price


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


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_of_another_kind_is_stopped_at_a_handful_of_replies(stub, concurrency):
    stub.default = status(200, f"<html>\n  Welcome, {KEY}!  " + "x" * 5000)
    server = client(stub, concurrency=concurrency, attempts=2)
    told = (
        r"5 replies and none is a chat completion, the first is '<html> Welcome, \[key\]! x+'; "
        r"give the base URL of an OpenAI-compatible server, usually ending in /v1, not http://"
    )
    with pytest.raises(ServerRefused, match=told) as raised:
        server.ask_all([request(str(number)) for number in range(100)])
    assert len(stub.requests) < 5 + concurrency + 4 and len(str(raised.value)) < 400


def test_a_server_that_once_answered_may_stumble_more_often(stub):
    garbage = status(200, "<html>busy</html>")
    stub.script = [answer(), *[garbage] * 8]
    server = client(stub, concurrency=1, attempts=3)
    replies = server.ask_all([request(str(number)) for number in range(6)])
    assert [isinstance(each, GivenUp) for each in replies] == [
        False,
        True,
        True,
        False,
        False,
        False,
    ]


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
