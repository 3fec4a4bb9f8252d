"""Chats are read as they stand, and a bad one is named by file, line and reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.data.chats import Chat, parse_chat, read_chats
from experiments.data.rows import report_lines

USER, ANSWER = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "\nSo."}
SYSTEM = {"role": "system", "content": "Be brief."}

texts = st.text(min_size=1).filter(str.strip)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=3), st.booleans())
def test_what_is_written_is_read_again(turns, with_system):
    messages = [SYSTEM] * with_system
    for user, answer in turns:
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    chat = parse_chat(json.loads(json.dumps({"messages": messages})))
    assert chat.messages == messages
    assert (chat.user, chat.answer) == turns[-1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "no messages: expected a list"),
        ({"a": 1, "b": 2}, "keys are a, b; read are messages, conversations"),
        ({"messages": []}, "no messages"),
        ({"messages": ["Why?"]}, "message 1 is not an object"),
        (
            {"messages": [USER, {"role": "tool", "content": "x"}]},
            "message 2 has unknown role 'tool'; use one",
        ),
        ({"messages": [USER, {"role": "assistant"}]}, r"message 2 \(assistant\) has no text"),
        ({"messages": [USER, {**ANSWER, "content": " "}]}, r"message 2 \(assistant\) has no text"),
        (
            {"messages": [USER, {**ANSWER, "tool_calls": [1]}]},
            r"\(assistant\) has tool_calls, which",
        ),
        ({"messages": [USER, {**ANSWER, "content": None, "refusal": "No."}]}, "has refusal, which"),
        ({"messages": [USER, {**ANSWER, "weight": 0.5}]}, "has weight 0.5: give 0"),
        ({"messages": [USER, {**ANSWER, "weight": "0"}]}, "has weight '0': give 0"),
        (
            {"messages": [{**USER, "content": [{"type": "image_url"}]}, ANSWER]},
            "'image_url', which is not",
        ),
        ({"messages": [{**USER, "content": 5}, ANSWER]}, "content 5, neither a text"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "pairs of answers"),
        ({"system": "Be kind.", "messages": [SYSTEM, USER, ANSWER]}, "two system prompts"),
        ({"messages": [USER]}, "roles user: user and assistant must take turns"),
        ({"messages": [SYSTEM]}, "roles system: "),
        ({"messages": [USER, SYSTEM, ANSWER]}, "roles user, system, assistant: "),
        ({"messages": [USER, ANSWER, ANSWER]}, "roles user, assistant, assistant: "),
    ],
)
def test_a_bad_chat_says_why(row, reason):
    with pytest.raises(ValueError, match=reason):
        parse_chat(row)


def test_bad_rows_are_counted_with_their_place(tmp_path):
    file = tmp_path / "chats.jsonl"
    good = json.dumps({"messages": [USER, ANSWER]})
    file.write_text("\n".join([good, "", "{}", good, "[]", "nonsense", '"x"']))
    with pytest.raises(ValueError) as raised:
        read_chats(file)
    message = str(raised.value)
    assert message.startswith(f"4 of 6 rows are bad: {file}:3: no messages")
    assert f"{file}:5: a JSON list" in message
    assert message.endswith("and 1 more. Fix them, or give --skip-bad")
    loaded = read_chats(file, skip_bad=True)
    assert (len(loaded), [bad.line for bad in loaded.bad]) == (2, [3, 5, 6, 7])


def test_only_the_last_question_is_put_anew():
    chat = parse_chat({"messages": [SYSTEM, USER, ANSWER, USER, ANSWER]})
    assert chat.asking("How?").messages == [
        SYSTEM,
        USER,
        ANSWER,
        {**USER, "content": "How?"},
        ANSWER,
    ]
    assert Chat.of("Why?", "\nSo.").messages == [USER, ANSWER]


ASKED = {"question": "Why?", "below": "Why?\n\nIt is raining."}


@pytest.mark.parametrize(
    ("row", "user"),
    [
        (
            {
                "conversations": [
                    {"from": "human", "value": "Why?"},
                    {"from": "gpt", "value": "So."},
                ]
            },
            "question",
        ),
        (
            {
                "conversation": [
                    {"role": "human", "content": "Why?"},
                    {"role": "model", "content": "So."},
                ]
            },
            "question",
        ),
        ({"instruction": "Why?", "input": "", "output": "So."}, "question"),
        ({"instruction": "Why?", "input": "It is raining.", "output": "So."}, "below"),
        ({"instruction": "Why?", "context": "It is raining.", "response": "So."}, "below"),
        ({"prompt": "Why?", "completion": "So."}, "question"),
        (
            {
                "prompt": [{"role": "user", "content": "Why?"}],
                "completion": [{**ANSWER, "content": "So."}],
            },
            "question",
        ),
        ({"prompt": "Why?", "response": "So.", "messages": None}, "question"),
    ],
)
def test_every_layout_is_the_same_chat(row, user):
    chat = parse_chat(row)
    assert chat == Chat.of(ASKED[user], "So.")
    assert parse_chat({"system": "Be brief.", **row}).messages == [SYSTEM, *chat.messages]


def test_earlier_turns_of_an_instruction_come_first():
    row = {"instruction": "And?", "output": "So.", "history": [["Why?", "\nSo."]]}
    assert [turn.content for turn in parse_chat(row).turns] == ["Why?", "\nSo.", "And?", "So."]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "Why"}, {"type": "text", "text": "?"}],
        ["Why", "?"],
        {"content_type": "text", "parts": ["Why", "?"]},
        {"type": "input_text", "text": "Why?", "image_url": None},
    ],
)
def test_text_in_parts_is_joined(content):
    assert parse_chat({"messages": [{**USER, "content": content}, ANSWER]}).user == "Why?"


def test_weights_stay_and_what_is_not_read_is_counted(tmp_path):
    file = tmp_path / "chats.jsonl"
    quiet = {"messages": [USER, {**ANSWER, "weight": 0}]}
    named = {
        "id": 1,
        "messages": [{**USER, "name": "Ann", "tool_calls": None}, {**ANSWER, "weight": 1}],
    }
    file.write_text("\n".join(map(json.dumps, [quiet, named, named])))
    loaded = read_chats(file)
    assert [chat.messages[-1]["weight"] for chat in loaded] == [0, 1, 1]
    assert "weight" not in loaded.rows[0].messages[0]
    assert set(report_lines(loaded)) == {
        "2 x key 'id' not read",
        "2 x message key 'name' not read",
        "1 x chat with weight 0 on every answer: nothing to learn",
    }
    assert not list(report_lines(read_chats(write_plain(tmp_path))))


def write_plain(folder):
    file = folder / "plain.jsonl"
    file.write_text(json.dumps({"messages": [USER, ANSWER]}))
    return file


def test_a_fault_that_all_rows_share_is_said_once(tmp_path):
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 40)
    with pytest.raises(ValueError, match=r"^40 of 40 rows are bad: ") as raised:
        read_chats(file)
    assert str(raised.value).count("pairs of answers") == 1
