"""What the client pays and keeps: nothing is paid twice, no cap is passed, and damaged transcripts are refused."""

import os

import pytest
from chat_server import answer, completion, status

from experiments.judging.server.budget import Budget, CapReached
from experiments.judging.server.transcripts import Transcripts
from tests.experiments.servers.asking import ask, client, request, slow_answer


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


def test_a_server_that_counts_below_nothing_gives_no_money_back(stub):
    stub.default = answer(usage={"prompt_tokens": 40, "completion_tokens": -1_000_000})
    budget = Budget(price_in=1.0, price_out=1.0)
    ask(client(stub, budget=budget))
    assert budget.spent * 1e6 == pytest.approx(len("hello") + 64 + 3)  # its highest price
