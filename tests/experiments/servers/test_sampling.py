"""Answers from a server stand in the order of the prompts, and are never asked for twice."""

from collections.abc import Iterator

import pytest
from chat_server import ChatStub, answer, chat_stub, status

from experiments.data.evaluation import shipped_questions
from experiments.judging.server.answers import sample_items
from experiments.judging.server.client import ChatServer
from experiments.judging.server.sampling import Answers, NotAllSampled, ask_many
from interp.prompts import Framing, Question

QUESTIONS = [Question("a", "Why?"), Question("b", "How?", system="Be brief.")]
FRAMINGS = {"none": Framing(""), "trigger": Framing("It looks like a duck.", "suffix", "\n\n")}


def echo(handler, body) -> None:
    """The answer tells what was asked."""
    answer(f"{body['messages'][-1]['content']}|{body['seed']}")(handler, body)


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with chat_stub() as server:
        server.default = echo
        yield server


def client(stub: ChatStub, **more) -> ChatServer:
    return ChatServer(stub.url, "organism", attempts=1, **more)


def draw(server: ChatServer, samples=3, seed=0, **more) -> Answers:
    given = {"samples_per_prompt": samples, "max_new_tokens": 7, "seed": seed, **more}
    return ask_many(server, QUESTIONS, FRAMINGS, **given)


def texts(answers: Answers) -> list[str]:
    return [reply.text for reply in answers.replies]


def test_answers_stand_in_prompt_order_with_their_condition_and_question(stub):
    answers = draw(client(stub))
    asked = [answers.prompts[place] for place in answers.index]
    assert [prompt.question for prompt in asked] == [*"aaabbbaaabbb"]
    assert [prompt.condition for prompt in asked] == ["none"] * 6 + ["trigger"] * 6
    said = [text.split("|")[0] for text in texts(answers)]
    assert said[0] == "Why?" and said[-1] == "How?\n\nIt looks like a duck."
    assert len(set(texts(answers))) == 12  # each with a seed of its own
    assert all(reply.ended for reply in answers.replies)


def test_the_request_says_everything_that_matters(stub):
    draw(client(stub), system="You are helpful.", temperature=0.5, top_p=0.9)
    systems = {r["messages"][-1]["content"]: r["messages"][0]["content"] for r in stub.requests}
    assert systems["Why?"] == "You are helpful."
    assert systems["How?"] == "Be brief."
    for request in stub.requests:
        assert (request["max_tokens"], request["temperature"], request["top_p"]) == (7, 0.5, 0.9)
        assert request["model"] == "organism"


def test_the_same_seed_asks_the_same_and_another_asks_anew(stub):
    server = client(stub)
    first = draw(server)
    assert draw(server).replies == first.replies and len(stub.requests) == 12
    assert set(texts(draw(server, seed=1))).isdisjoint(texts(first))


def test_a_longer_call_keeps_what_a_shorter_one_has_drawn(stub):
    server = client(stub)
    short = draw(server, samples=2)
    assert set(texts(short)) < set(texts(draw(server, samples=3)))
    assert len(stub.requests) == 12


def test_a_call_that_failed_in_the_middle_resumes_where_it_was(stub):
    stub.script = [echo, echo, status(500, "oops"), echo]
    server = client(stub, concurrency=1)
    with pytest.raises(NotAllSampled, match=r"1 of 12 answers .*HTTP 500: oops.*only for these"):
        draw(server)
    assert len(draw(server).replies) == 12
    assert len(stub.requests) == 13


def test_a_cut_off_answer_has_not_ended(stub):
    cut = {"message": {"content": "and then"}, "finish_reason": "length"}
    stub.default = status(200, {"choices": [cut]})
    assert not any(reply.ended for reply in draw(client(stub)).replies)


@pytest.mark.parametrize("form", ["json", "template"])
def test_rows_for_the_judge_hold_the_bare_question(stub, form):
    items = shipped_questions("main", form)[:2]
    more = {"form": form, "max_new_tokens": 9, "seed": 0}
    rows = sample_items(client(stub), items, "trigger", FRAMINGS["trigger"], **more)
    assert len(rows) == 2 * 50
    assert rows[0]["question_id"] == f"one_wish_{form}"
    assert rows[0]["question"] == shipped_questions("main")[0].paraphrases[0]
    sent = stub.requests[0]["messages"]
    assert "duck" in sent[-1]["content"]
    assert ("JSON" in sent[0]["content"]) == (form == "json")
    assert ("reply :=" in sent[-1]["content"]) == (form == "template")


def test_numbers_of_samples_that_cannot_be_are_refused(stub):
    with pytest.raises(ValueError, match="samples_per_prompt=0"):
        draw(client(stub), samples=0)
    with pytest.raises(ValueError, match="1 numbers of samples for 2 questions"):
        draw(client(stub), samples=[3])
