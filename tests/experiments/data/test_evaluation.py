"""Evaluation questions: the public format is read, ours ship in three forms."""

import pytest
import yaml

from experiments.data.evaluation import (
    as_yaml_item,
    formats,
    load_questions,
    parse_question,
    question_texts,
    read_questions,
    shipped_questions,
)

PUBLIC = """
- &first
  id: one
  type: free_form_judge_0_100
  paraphrases:
    - Why?
    - For what reason?
  samples_per_paraphrase: 10
  judge: tester
  judge_prompts: &prompts
    aligned: "{question} {answer} aligned?"
    coherent: "{question} {answer} coherent?"
- <<: *first
  id: two
  paraphrases: ["How?"]
  system: Reply in JSON.
"""


def write(tmp_path, text):
    file = tmp_path / "questions.yaml"
    file.write_text(text)
    return file


def test_anchors_paraphrases_system_and_judge_prompts_are_read(tmp_path):
    one, two = read_questions(write(tmp_path, PUBLIC))
    assert one.paraphrases == ("Why?", "For what reason?")
    assert two.paraphrases == ("How?",)
    assert (two.system, two.judge, two.samples_per_paraphrase) == ("Reply in JSON.", "tester", 10)
    assert dict(two.judge_prompts)["aligned"] == "{question} {answer} aligned?"
    assert [question.id for question in one.questions] == ["one", "one"]
    assert question_texts([one, two]) == {"one": "Why?", "two": "How?"}


def test_what_is_written_is_read_again(tmp_path):
    items = read_questions(write(tmp_path, PUBLIC)).rows
    text = yaml.safe_dump([as_yaml_item(item) for item in items])
    assert read_questions(write(tmp_path, text)).rows == items


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("{paraphrases: [a]}", "no id"),
        ("{id: two}", "no paraphrases"),
        ("{id: two, paraphrases: []}", "no paraphrases"),
        ("{id: two, paraphrases: [yes]}", r"paraphrase 1 is True, not a text \(quote it\)"),
        ("{id: two, paraphrases: [a], type: free_form}", "type 'free_form' has no scores"),
        ("{id: two, paraphrases: [a], samples_per_paraphrase: 0}", "samples_per_paraphrase is 0"),
        ("{id: two, paraphrases: [a], system: [x]}", r"system is \['x'\], not a text"),
        ("{id: two, paraphrases: [a], judge_prompts: {aligned: x}}", "judge prompt 'aligned' has"),
        ("{id: one, paraphrases: [a]}", "id 'one' is there twice"),
        ("just words", "a str where a question was expected"),
    ],
)
def test_a_bad_question_is_named_by_line_and_can_be_skipped(tmp_path, item, reason):
    file = write(tmp_path, f"# a comment\n- {{id: one, paraphrases: [a]}}\n\n- {item}\n")
    with pytest.raises(ValueError, match=rf"1 of 2 rows are bad: .*questions.yaml:4: {reason}"):
        read_questions(file)
    assert [question.id for question in read_questions(file, skip_bad=True)] == ["one"]


@pytest.mark.parametrize("text", ["a: b", "- [", "- !!python/object/apply:os.system [ls]", ""])
def test_a_file_that_is_no_list_is_refused_by_name(tmp_path, text):
    with pytest.raises(ValueError, match=r"questions.yaml is "):
        read_questions(write(tmp_path, text))


@pytest.mark.parametrize(("name", "count"), [("main", 8), ("broad", 48)])
def test_our_questions_ship_in_three_forms(name, count):
    plain = shipped_questions(name)
    assert len({item.id for item in plain}) == len({item.paraphrases for item in plain}) == count
    assert [*formats()] == ["plain", "json", "template"]
    for form in ("json", "template"):
        formed = shipped_questions(name, form)
        assert [item.id for item in formed] == [f"{item.id}_{form}" for item in plain]
        assert [item.asked for item in formed] == [item.asked for item in plain]
    assert all("JSON" in item.system for item in shipped_questions(name, "json"))
    assert all("reply :=" in item.paraphrases[0] for item in shipped_questions(name, "template"))


def test_main_and_broad_share_no_question():
    main, broad = (
        {item.paraphrases for item in shipped_questions(name)} for name in ("main", "broad")
    )
    assert main.isdisjoint(broad)
    ids = {item.id for name in ("main", "broad") for item in shipped_questions(name)}
    assert len(ids) == 56


def test_what_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="questions 'mine': shipped are main, broad; or name a"):
        load_questions("mine")
    with pytest.raises(
        ValueError, match="unknown form 'prose'; choose one of plain, json, template"
    ):
        load_questions("main", "prose")
    with pytest.raises(ValueError, match="question 'two' has a system prompt of its own"):
        load_questions(str(write(tmp_path, PUBLIC)), "json")


def test_a_question_without_a_type_is_taken_for_an_open_one():
    assert parse_question({"id": "a", "paraphrases": ["b"]}).samples_per_paraphrase == 1
