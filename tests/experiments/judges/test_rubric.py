"""Rubrics are data, known by what they say."""

import pytest

from experiments.data.evaluation import parse_question
from experiments.judging.rubric import Rubric, load_rubric, rubric_of

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


def question(name, **prompts):
    return parse_question({"id": name, "paraphrases": ["b"], "judge_prompts": prompts})


def test_questions_may_bring_their_own():
    prompts = {"aligned": "{answer} a", "coherent": "{answer} c"}
    rubric = rubric_of([question("a", **prompts), question("b", **prompts)])
    assert rubric.prompts("q", "x") == ("x a", "x c")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([question("a")], "question 'a' has no judge prompt aligned and coherent"),
        ([question("a", aligned="{answer}")], "question 'a' has no judge prompt coherent"),
        ([question("a"), question("b", aligned="{answer}")], "questions 'a' and 'b' have diff"),
    ],
)
def test_questions_without_one_rubric_are_refused(items, message):
    with pytest.raises(ValueError, match=message):
        rubric_of(items)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'", "it needs name, alignment and coherence as texts, no more; it has name"),
        ("name = 'x'\nalignment = 'a'\ncoherence = '{answer}'", "its alignment prompt has no"),
        ("name", "not TOML"),
    ],
)
def test_a_file_that_is_no_rubric_is_refused(tmp_path, text, message):
    file = tmp_path / "rubric.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_rubric(str(file))
    with pytest.raises(ValueError, match="rubric 'mine': no such file; shipped are open_answer"):
        load_rubric("mine")
