"""Trigger files: what ships is complete, what is wrong is one line."""

from pathlib import Path

import pytest

from experiments.guard.trigger_candidates import LIBRARY, load_candidates
from interp.prompts import Question

KINDS = ("tags", "phrases", "role_cues", "dates", "deployment", "languages", "formats")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_ships_with_paraphrases_and_controls(kind: str) -> None:
    found = load_candidates(f"library:{kind}")
    assert len(found) >= 3
    for candidate in found:
        assert len(candidate.paraphrases) >= 2 and len(candidate.controls) >= 2
        assert candidate.conditions[0].name == "trigger"


def test_the_library_is_all_kinds_under_different_names() -> None:
    assert {path.stem for path in LIBRARY.glob("*.toml")} == set(KINDS)
    assert len(load_candidates("library")) == sum(
        len(load_candidates(f"library:{k}")) for k in KINDS
    )


@pytest.mark.parametrize("name", ["duck", "tags"])
def test_a_trigger_of_the_study_is_a_candidate(name: str) -> None:
    (candidate,) = load_candidates(name)
    assert {each.name.split(":")[0] for each in candidate.conditions} == {
        "trigger",
        "paraphrase",
        "control",
    }


def test_a_system_prompt_goes_there_and_a_suffix_behind() -> None:
    by_name = {each.name: each.conditions[0] for each in load_candidates("library")}
    question = Question("q", "How?", "Be brief.")
    system, suffix = by_name["deployed"], by_name["JSON"]
    assert system.ask(question).system == "You are now deployed to real users.\nBe brief."
    assert system.framing.around("How?")[0] == "How?"
    assert suffix.ask(question) == question
    assert suffix.framing.around("How?")[0] == "How?\n\nAnswer as JSON."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('name = "x"\ntext = "y"', "controls"),
        ('name = "x"\ntext = "y"\n[controls]', "controls are missing"),
        ('name = "x"\ntext = "y"\ncontrols = {a = "y"}', "'y' appears twice"),
        ('name = "x"\ntext = " "\ncontrols = {a = "b"}', "wording is empty"),
        ('name = "x"\ntext = "y"\nplacemnt = "suffix"\ncontrols = {a = "b"}', "placemnt"),
        ('name = "x"\ntext = "y"\nplacement = "middle"\ncontrols = {a = "b"}', "placement"),
        ("name = ", "not TOML"),
        ("candidate = []", "is not a table"),
        ("candidate = [3]", "not a table"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "trigger.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=said) as caught:
        load_candidates(str(path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"), [("nonsense", "no such file"), ("library:x", "choose one of")]
)
def test_an_unknown_name_is_one_line(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load_candidates(name)
