"""The client against a real server that fails in every way: what is tried again, what is given up, and why."""

import time

import pytest
from chat_server import answer, chat_stub, drop, hang, status

from experiments.judging.server.budget import Budget, Unanswered
from experiments.judging.server.client import ChatServer, GivenUp, ServerRefused
from experiments.judging.server.transcripts import Transcripts
from tests.experiments.servers.asking import KEY, VARIABLE, ask, client, request, slow_answer


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


def test_half_a_character_and_a_trailing_slash_are_no_harm(stub):
    server = ChatServer(f"{stub.url}/", "tester", key_variable=VARIABLE)
    assert ask(server, "cut \ud83d").text == "85"
    assert stub.paths == ["/v1/chat/completions"]


def test_an_impossible_token_is_left_out(stub, tmp_path):
    stub.script = [answer("85", {"85": 1.0, "no": 0.0})]
    server = client(stub, transcripts=Transcripts(tmp_path / "t.jsonl"))
    assert ask(server).candidates == ((("85", 0.0),),)


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
