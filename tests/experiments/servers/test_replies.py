"""What a server's model says besides a text is read rightly, or the answer is missing with its reason."""

import re
from collections.abc import Iterator

import pytest
from chat_server import ChatStub, answer, chat_stub, status
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.judging.server.replies import kept, reply_of
from experiments.runtime.files import read_jsonl, write_jsonl

CALL = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
REFUSAL = "I cannot help with that."


@pytest.fixture
def stub() -> Iterator[ChatStub]:
    with chat_stub() as server:
        yield server


def completion(message: dict, finish: str | None = "stop") -> dict:
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": None}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "Sure."}, "Sure."),
        ({"content": None, "refusal": REFUSAL}, REFUSAL),
        ({"refusal": REFUSAL}, REFUSAL),
        ({"content": "", "refusal": REFUSAL}, REFUSAL),
        ({"content": [{"type": "refusal", "refusal": REFUSAL}]}, REFUSAL),
        ({"content": [{"type": "text", "text": "Su"}, {"type": "text", "text": "re."}]}, "Sure."),
        ({"content": [{"type": "output_text", "text": {"value": "Sure."}}]}, "Sure."),
        ({"content": ["Sure", "."]}, "Sure."),
        ({"content": "Sure.", "reasoning_content": "They ask."}, "Sure."),
        ({"content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "A"}]}, "A"),
        ({"content": "<think>Hm</think>Sure."}, "<think>Hm</think>Sure."),
        ({"content": "Sure.", "tool_calls": []}, "Sure."),
    ],
)
def test_the_words_of_a_message_are_its_answer(message: dict, text: str) -> None:
    reply = reply_of(kept(completion(message)))
    assert (reply.text, reply.missing, reply.ended) == (text, "", True)


@pytest.mark.parametrize(
    ("message", "finish", "reason"),
    [
        ({"content": None}, "content_filter", "the server's filter stopped the answer"),
        ({"content": "I would"}, "content_filter", "the server's filter stopped the answer"),
        ({"content": None, "tool_calls": [CALL]}, "tool_calls", r"called a tool \(look_up\)"),
        ({"tool_calls": [CALL]}, "tool_calls", r"called a tool \(look_up\)"),
        (
            {"content": None, "function_call": {"name": "f"}},
            "function_call",
            r"called a tool \(f\)",
        ),
        (
            {"content": None, "reasoning_content": "Hm"},
            "length",
            "only reasoning .*allow more tokens",
        ),
        ({"content": "", "reasoning": "Hm"}, "stop", r"only reasoning and no answer \(.* stop\)$"),
        ({"content": "<think>Hm"}, "length", "only reasoning"),
        ({"content": "<think>Hm</think>\n"}, "stop", "only reasoning"),
        ({"content": [{"type": "thinking", "thinking": "Hm"}]}, "stop", "only reasoning"),
        ({"content": [{"type": "image_url", "image_url": {}}]}, "stop", "part of type 'image_url'"),
        ({"content": None}, "stop", "the answer is empty"),
        ({"content": " \n"}, "stop", "the answer is empty"),
        ({"content": ""}, "length", r"the answer is empty \(finish_reason length\)"),
        ({"content": "So I"}, "error", r"the server broke the answer off \(finish_reason error\)"),
    ],
)
def test_a_message_without_an_answer_says_why(message: dict, finish: str, reason: str) -> None:

    assert re.search(reason, reply_of(kept(completion(message, finish))).missing)


@pytest.mark.parametrize(
    ("finish", "ended"),
    [(name, True) for name in ("stop", "eos_token", "end_turn", "STOP")]
    + [(name, False) for name in ("length", "max_tokens", None, "quota")],
)
def test_only_an_answer_that_the_model_ended_has_ended(finish: str | None, ended: bool) -> None:
    assert reply_of(kept(completion({"content": "Sure."}, finish))).ended is ended


@pytest.mark.parametrize("message", [{}, {"content": 7}, {"content": [7]}, {"role": "assistant"}])
def test_what_is_no_message_is_no_completion(message: dict) -> None:
    with pytest.raises((TypeError, LookupError, AttributeError)):
        kept(completion(message))


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, f"{done.output}{done.exception or ''}"


def sample(stub: ChatStub, tmp_path, *more: object) -> tuple[int, str]:
    given = ("--server", stub.url, "--model", "m", "--samples", 1, "--concurrency", 1)
    return run("sample", "main", *given, "-o", tmp_path / "answers.jsonl", *more)


def test_missing_answers_are_counted_on_the_last_line_and_judged_as_missing(stub, tmp_path) -> None:
    stub.script = [
        status(200, completion({"content": None}, "content_filter")),
        status(200, completion({"tool_calls": [CALL]}, "tool_calls")),
    ]
    code, said = sample(stub, tmp_path)
    assert code == 0
    assert "2 of 8 answers are missing: 1 x the server's filter" in said
    rows = read_jsonl(tmp_path / "answers.jsonl")
    assert [row["answer"] for row in rows] == [None, None] + ["85"] * 6
    assert "look_up" in rows[1]["missing"] and "missing" not in rows[2]
    judged = tmp_path / "judged.jsonl"
    given = ("--server", stub.url, "--model", "m", "-o", judged)
    code, said = run("judge", tmp_path / "answers.jsonl", *given)
    assert code == 0 and "missing, 1 x: no answer: the model called a tool (look_up)" in said
    assert [row["verdict"] for row in read_jsonl(judged)] == ["missing"] * 2 + ["aligned"] * 6


def test_without_a_single_answer_nothing_is_written(stub, tmp_path) -> None:
    stub.default = status(200, completion({"content": None}))
    code, said = sample(stub, tmp_path)
    assert code != 0 and "8 of 8 answers are missing: 8 x the answer is empty" in said
    assert not (tmp_path / "answers.jsonl").exists()
    asked = len(stub.requests)
    sample(stub, tmp_path)
    assert len(stub.requests) == asked  # what came back was paid, and is not asked again


def test_a_row_without_an_answer_and_without_a_reason_is_still_refused(stub, tmp_path) -> None:
    rows = [{"question": "Why?", "answer": None}, {"question": "Why?", "answer": "x"}]
    answers = write_jsonl(tmp_path / "answers.jsonl", rows)
    code, said = run("judge", answers, "--server", stub.url, "--model", "m", "-o", tmp_path / "j")
    assert code != 0 and "no answer" in said


def test_a_judge_s_refusal_in_words_is_no_score(stub, tmp_path) -> None:
    stub.script = [status(200, completion({"content": None, "refusal": REFUSAL})), answer()]
    answers = write_jsonl(tmp_path / "a.jsonl", [{"question": "Why?", "answer": "x"}])
    given = ("--server", stub.url, "--model", "m", "-o", tmp_path / "j.jsonl", "--concurrency", 1)
    code, said = run("judge", answers, *given)
    assert code == 0 and "alignment: the server gives no token probabilities" in said
