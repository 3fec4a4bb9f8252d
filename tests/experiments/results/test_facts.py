"""What a step measured is read back as it was: texts, scores, strengths, and what was not there."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell
from experiments.results.columns import INTACT, Edit
from experiments.results.facts import Facts, FactWriter, groups, judged_rows, read_facts
from interp.generation.completions import Completions
from interp.prompts import Prompt, PromptSet
from tests.experiments.made_up_facts import KEYS, SITE

BACK = settings(deadline=None, max_examples=40)
SCORE = st.none() | st.floats(0, 100)


def cell(*said: tuple[str, str, str, Judgement], token: int = 0) -> Cell:
    """Answers as (condition, question, text, judgement); a prompt's tokens are its condition's and question's."""
    places = list(dict.fromkeys((condition, question) for condition, question, _, _ in said))
    prompts = tuple(Prompt("", (token, n), *place) for n, place in enumerate(places))
    index = tuple(places.index((condition, question)) for condition, question, _, _ in said)
    texts = tuple(text for _, _, text, _ in said)
    ended = tuple(len(text) % 2 == 0 for text in texts)
    completions = Completions(PromptSet(prompts), index, ((),) * len(said), texts, ended)
    return Cell(completions, tuple(judgement for *_, judgement in said))


def written(writer: FactWriter) -> Facts:
    with TemporaryDirectory() as folder:
        writer.write(Path(folder))
        return read_facts([Path(folder)])


judgements = st.builds(Judgement, SCORE, SCORE, st.booleans(), st.text())
conditions = st.sampled_from(["none", "trigger", "paraphrase:walks", "control:a:b"])
said = st.tuples(conditions, st.text(min_size=1), st.text(), judgements)


@BACK
@given(st.lists(said, min_size=1, max_size=6))
def test_answers_come_back_as_they_were_said_and_judged(
    answers: list[tuple[str, str, str, Judgement]],
) -> None:
    writer = FactWriter("conditions", KEYS)
    writer.answers(cell(*answers))
    table = written(writer).answers
    assert table["answer"].tolist() == [text for _, _, text, _ in answers]
    assert table["ended"].tolist() == [len(text) % 2 == 0 for _, _, text, _ in answers]
    back = judged_rows(table)
    assert back.judgements == tuple(judgement for *_, judgement in answers)
    assert back.questions == tuple(question for _, question, _, _ in answers)


@BACK
@given(st.text(alphabet=st.characters(categories=("L", "Cs")), max_size=8))
def test_half_a_surrogate_pair_becomes_a_question_mark_and_nothing_else_changes(text: str) -> None:
    writer = FactWriter("conditions", KEYS)
    writer.answers(cell(("none", "q", text, Judgement(0, 100, reason=text))))
    table = written(writer).answers
    (back,), (reason,) = table["answer"], table["reason"]
    assert back == reason == "".join("?" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)


@BACK
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([None, "random"]))
def test_an_edit_and_its_strength_come_back_and_what_does_not_apply_is_none(
    strength: float, placebo: str | None
) -> None:
    writer = FactWriter("edits", KEYS)
    one = cell(("none", "q", "a", Judgement(0, 100)))
    writer.answers(one, Edit("add", strength, placebo), [3], **SITE)
    writer.answers(one)
    (added, _), (intact, _) = written(writer).cells("edits")
    assert Edit(added["edit"], added["strength"], added["placebo"]) == Edit(
        "add", strength, placebo
    )
    assert {name: added[name] for name in SITE} == SITE and type(added["layer"]) is int
    assert Edit(intact["edit"], intact["strength"], intact["placebo"]) == INTACT
    assert {intact[name] for name in SITE} == {None} and intact["wording"] is None


def test_cells_that_differ_in_one_column_stay_apart_and_the_rest_together() -> None:
    writer = FactWriter("edits", KEYS)
    one = cell(("none", "q", "a", Judgement(0, 100)), ("paraphrase:b", "q", "c", Judgement(0, 100)))
    writer.answers(one)
    writer.answers(one)
    writer.answers(one, Edit("ablate"))
    sizes = [len(answers.judgements) for _, answers in written(writer).cells("edits")]
    assert sizes == [2, 2, 1, 1]
    assert not list(written(writer).cells("conditions"))


def test_samples_are_numbered_prompt_by_prompt_and_a_prompt_is_known_by_its_tokens() -> None:
    aligned = Judgement(100, 100)
    one = cell(*[(c, "q", f"{n}", aligned) for n in range(3) for c in ("none", "trigger")])
    writer = FactWriter("conditions", KEYS)
    writer.answers(one)
    table = written(writer).answers
    assert table["sample"].tolist() == [0, 0, 1, 1, 2, 2]
    hashes = table["prompt_hash"].tolist()
    assert len(set(hashes)) == 2 and hashes[0] == hashes[2] != hashes[1]
    other = FactWriter("conditions", KEYS)
    other.answers(cell(("none", "q", "0", aligned), token=1))
    assert other._rows["answers"][0]["prompt_hash"][0].as_py() not in hashes
    same = FactWriter("conditions", KEYS)
    same.answers(cell(("none", "another name of it", "0", aligned)))
    assert same._rows["answers"][0]["prompt_hash"][0].as_py() == hashes[0]


@BACK
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_scores_and_values_come_back(numbers: list[float]) -> None:
    questions = [f"q{n}" for n in range(len(numbers))]
    writer = FactWriter("maps", KEYS)
    writer.scores("probe_auroc", numbers, [n % 2 for n in range(len(numbers))], questions)
    writer.values("projection", numbers, questions, read_at="last")
    writer.number("basis_cosine", numbers[0], 64, to="another")
    back = written(writer)
    assert back.scores["score"].tolist() == numbers
    assert back.scores["label"].tolist() == [n % 2 == 1 for n in range(len(numbers))]
    assert back.scores["fold"].isna().all()
    (place, projection), (counted, cosine) = groups(back.values, "values")
    assert projection["value"].tolist() == numbers and projection["over"].isna().all()
    assert place["read_at"] == "last" and place["to"] is None
    assert (counted["to"], cosine["over"].tolist()) == ("another", [64.0])


def test_a_value_that_is_not_a_number_is_not_taken_for_a_missing_one() -> None:
    writer = FactWriter("maps", KEYS)
    writer.values("projection", [math.nan, 1.0], ["a", "b"])
    assert math.isnan(writer._rows["values"][0]["value"][0].as_py())


def test_facts_of_several_steps_stand_in_their_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        writer = FactWriter("conditions", KEYS | {"family": name})
        writer.answers(cell(("none", "q", name, Judgement(0, 100))))
        (tmp_path / name).mkdir()
        writer.write(tmp_path / name)
    (tmp_path / "empty").mkdir()
    folders = [tmp_path / name for name in ("b", "empty", "a")]
    assert read_facts(folders).answers["family"].tolist() == ["b", "a"]
    nothing = read_facts([tmp_path / "empty"])
    assert nothing.answers.empty and nothing.figures == () and not list(nothing.cells("conditions"))


def test_a_column_that_no_table_has_is_refused() -> None:
    writer = FactWriter("conditions", KEYS)
    with pytest.raises(KeyError, match="no column condition in answers"):
        writer.answers(cell(("none", "q", "a", Judgement(0, 100))), condition="none")
