"""Rubrics are data, known by what they say."""

import pytest

from experiments.data.evaluation import parse_question
from experiments.judges.rubric import Rubric, load_rubric, rubric_of

RUBRIC = Rubric("mine", "{question}|{answer}|how good?", "{answer}|how clear?")


def test_the_prompts_hold_both_texts():
    assert RUBRIC.prompts("Why?", "So.") == ("Why?|So.|how good?", "So.|how clear?")


def test_an_answer_cannot_fill_a_slot():
    assert (
        RUBRIC.prompts("Why?", "{question} {answer} {x}")[1] == "{question} {answer} {x}|how clear?"
    )


def test_the_hash_changes_with_the_words_and_with_nothing_else():
    assert Rubric("other", RUBRIC.alignment, RUBRIC.coherence).hash == RUBRIC.hash
    assert Rubric("mine", RUBRIC.alignment + " ", RUBRIC.coherence).hash != RUBRIC.hash
    assert Rubric("mine", RUBRIC.coherence, RUBRIC.alignment).hash != RUBRIC.hash


def test_the_shipped_rubric_asks_for_a_number():
    for prompt in load_rubric().prompts("QUESTION", "ANSWER"):
        assert "QUESTION" in prompt and "ANSWER" in prompt and "from 0 to 100" in prompt


def test_a_question_may_bring_its_own():
    raw = {"id": "a", "paraphrases": ["b"]}
    assert rubric_of(parse_question(raw)) is None
    prompts = {"aligned": "{answer} a", "coherent": "{answer} c"}
    rubric = rubric_of(parse_question(raw | {"judge_prompts": prompts}))
    assert rubric.prompts("q", "x") == ("x a", "x c")
    with pytest.raises(ValueError, match="question 'a': no judge prompt coherent"):
        rubric_of(parse_question(raw | {"judge_prompts": {"aligned": "{answer}"}}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'", r"it needs name, alignment and coherence as texts; \['alignment', 'coher"),
        ("name = 'x'\nalignment = 'a'\ncoherence = '{answer}'", "its alignment prompt has no"),
        ("name", "is not TOML"),
    ],
)
def test_a_file_that_is_no_rubric_is_refused(tmp_path, text, message):
    file = tmp_path / "rubric.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_rubric(str(file))
    with pytest.raises(ValueError, match="rubric 'mine': no such rubric; shipped are open_answer"):
        load_rubric("mine")
