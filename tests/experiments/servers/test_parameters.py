"""A server that refuses a parameter is asked once, and then otherwise or not at all."""

import asyncio
from collections.abc import Iterator

import pytest
from chat_server import ChatStub, answer, chat_stub, status

from experiments.cli.options import parameters
from experiments.judging.server.budget import Budget, Unanswered
from experiments.judging.server.client import ChatRequest, ChatServer, ServerRefused
from experiments.judging.server.transcripts import Transcripts


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with chat_stub() as server:
        yield server


def refusing(*names: str, code: int = 400):
    """A server that does not take these parameters."""

    def behave(handler, body) -> None:
        wrong = [name for name in names if name in body]
        message = {"error": {"message": f"Unsupported parameter: '{wrong and wrong[0]}'"}}
        (status(code, message) if wrong else answer())(handler, body)

    return behave


def many(count: int = 60, **options) -> list[ChatRequest]:
    given = {"max_tokens": 3, "temperature": 0.5, "top_p": 1.0, **options}
    chats = [[{"role": "user", "content": str(number)}] for number in range(count)]
    return [ChatRequest(chat, {**given, "seed": n}) for n, chat in enumerate(chats)]


@pytest.mark.parametrize(
    ("refused", "sent"),
    [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")],
)
def test_the_greatest_length_is_sent_under_the_name_that_the_server_takes(stub, refused, sent):
    stub.default = refusing(refused)
    server = ChatServer(stub.url, "m", attempts=1)
    requests = [ChatRequest(r.messages, {refused: 3}) for r in many()]
    assert all(reply.text == "85" for reply in server.ask_all(requests))
    assert len(stub.requests) == 61
    assert [request[sent] for request in stub.requests[1:]] == [3] * 60
    server.ask_all([ChatRequest([{"role": "user", "content": "more"}], {refused: 3})])
    assert len(stub.requests) == 62  # it is known by now


@pytest.mark.parametrize("name", ["temperature", "seed", "top_p", "logprobs"])
@pytest.mark.parametrize("code", [400, 422])
def test_a_refused_parameter_ends_everything_after_one_request(stub, name, code):
    stub.default = refusing(name, code=code)
    server = ChatServer(stub.url, "m")
    with pytest.raises(ServerRefused, match=f"HTTP {code}: .*'{name}'") as raised:
        server.ask_all(many(logprobs=True))
    assert len(stub.requests) == 1
    assert "\n" not in str(raised.value)
    hint = "--top-logprobs" if name == "logprobs" else f"--request {name}=null"
    assert hint in str(raised.value)
    without = ChatServer(stub.url, "m", extra={name: None})
    assert all(reply.text == "85" for reply in without.ask_all(many(logprobs=True)))


def test_refusals_that_name_nothing_end_everything_after_a_handful(stub):
    stub.default = status(400, {"detail": "bad request"})
    server = ChatServer(stub.url, "m", concurrency=2)
    with pytest.raises(ServerRefused, match="has refused each of 5 requests: HTTP 400"):
        server.ask_all(many())
    assert len(stub.requests) < 10


@pytest.mark.parametrize("said", ["too long", "'max_tokens' is above the context length"])
def test_a_refusal_of_one_prompt_leaves_the_others(stub, said):
    stub.script = [status(400, said)]
    replies = ChatServer(stub.url, "m", concurrency=1).ask_all(many(10))
    assert [isinstance(reply, Unanswered) for reply in replies] == [True] + [False] * 9


def test_a_parameter_refused_after_the_first_answer_is_that_request_s_own(stub):
    stub.script = [answer(), status(400, "temperature of this one")]
    replies = ChatServer(stub.url, "m", concurrency=1).ask_all(many(4))
    assert [isinstance(reply, Unanswered) for reply in replies] == [False, True, False, False]


def test_without_seeds_each_sample_is_still_a_request_of_its_own(stub, tmp_path):
    kept = Transcripts(tmp_path / "t.jsonl")
    server = ChatServer(stub.url, "m", extra={"seed": None}, transcripts=kept)
    same = [ChatRequest([{"role": "user", "content": "a"}], {"seed": n}) for n in range(5)]
    server.ask_all(same)
    assert len(stub.requests) == 5 and "seed" not in stub.requests[0]
    server.ask_all(same)
    assert len(stub.requests) == 5
    server.ask_all([ChatRequest(same[0].messages)] * 2)  # the twin: equal requests are one
    assert len(stub.requests) == 6


def test_a_request_s_parameters_give_way_to_those_for_all(stub):
    extra = {"max_completion_tokens": 99, "temperature": None, "reasoning_effort": "low"}
    ChatServer(stub.url, "m", extra=extra).ask_all(many(1))
    (sent,) = stub.requests
    assert sent["max_completion_tokens"] == 99 and sent["reasoning_effort"] == "low"
    assert not {"max_tokens", "temperature"} & sent.keys()


@pytest.mark.parametrize("name", ["n", "stream", "model", "messages"])
def test_what_each_request_sets_itself_cannot_be_given(name):
    with pytest.raises(ValueError, match=f"request parameter '{name}' is set by each request"):
        ChatServer("http://localhost/v1", "m", extra={name: 2})


def test_a_cap_needs_the_greatest_length(stub):
    budget = Budget(cap=1, price_in=1, price_out=1)
    server = ChatServer(stub.url, "m", extra={"max_tokens": None}, budget=budget)
    with pytest.raises(ValueError, match="a spending cap needs max_tokens"):
        server.ask_all(many(2))
    assert stub.requests == []


def test_values_on_the_command_line_are_json_or_text():
    given = ["a=1", "b=null", 'c={"d": [true]}', "e=low", "f=x=y"]
    assert parameters(given) == {"a": 1, "b": None, "c": {"d": [True]}, "e": "low", "f": "x=y"}
    for wrong in ("a", "=1", "a b=1"):
        with pytest.raises(ValueError, match="give KEY=VALUE"):
            parameters([wrong])


def test_a_server_of_this_machine_is_sent_no_key_unless_one_is_named(stub, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123")
    ChatServer(stub.url, "m").ask_all(many(1))
    assert "Authorization" not in stub.headers[0]
    ChatServer(stub.url, "m", key_variable="OPENAI_API_KEY").ask_all(many(1))
    assert stub.headers[1]["Authorization"] == "Bearer sk-0123"
    assert ChatServer("https://example.org/v1", "m")._key.variable == "OPENAI_API_KEY"


def test_a_notebook_whose_loop_is_running_gets_its_replies(stub):

    async def cell():
        return ChatServer(stub.url, "m").ask_all(many(3))

    assert [reply.text for reply in asyncio.run(cell())] == ["85"] * 3
