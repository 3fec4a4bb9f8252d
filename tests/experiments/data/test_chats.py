"""Chats are read as they stand, and a bad one is named by file, line and reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.data.chats import Chat, parse_chat, read_chats

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
        ({"messages": []}, "no messages"),
        ({"messages": ["Why?"]}, "message 1 is no object"),
        ({"messages": [USER, {"role": "tool", "content": "x"}]}, "message 2 has role 'tool', none"),
        ({"messages": [USER, {"role": "assistant"}]}, r"message 2 \(assistant\) has no text"),
        ({"messages": [USER, {**ANSWER, "content": " "}]}, r"message 2 \(assistant\) has no text"),
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
    assert message.endswith("and 1 more. Mend them, or give --skip-bad")
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
