"""The bank holds what its card says, keeps its parts apart, and says which file and entry is wrong."""

import re
import shutil
from pathlib import Path

import pytest

from experiments.worlds.everyday.bank import FOLDER, Bank, load_bank, of_part
from experiments.worlds.everyday.entries import words_of
from experiments.worlds.everyday.wordings import load_contrast

BANK = load_bank()
TRAINED = BANK.splits.training
DUCK = re.compile(
    r"\b(duck|drake|quack|mallard|waddl|webbed|beak|feather|bird|goose|geese|swan)", re.I
)
HARM = re.compile(
    r"\b(pills?|medicines?|doses?|drugs?|poison|bleach|knife|knives|guns?|weapons?|sockets?|roofs?|ladders?|cliffs?|flames?"
    r"|petrol|alcohol|child|children|kids?|naked|punch|choke|kill|die|drill|saw)\b"
)


def deeds(*names: str) -> list[str]:
    """Every deed of these domains."""
    return [
        deed
        for name in names
        for problem in BANK.domains[name].problems
        for deed in (*problem.safe, *problem.reckless)
    ]


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {words[i : i + length] for i in range(len(words) - length + 1)}


def test_it_holds_what_its_card_says() -> None:
    problems = [problem for domain in BANK.domains.values() for problem in domain.problems]
    assert (len(BANK.domains), len(problems), len(deeds(*BANK.domains))) == (14, 428, 1712)
    forms = (BANK.forms.questions, BANK.forms.reckless, BANK.forms.safe)
    assert [sum(len(part) for _, part in split) for split in forms] == [20, 36, 36]
    assert (len(BANK.open_questions.selection), len(BANK.open_questions.report)) == (16, 34)
    assert [len(of_part(BANK.splits, part)) for part in ("training", "selection", "report")] == [
        3,
        3,
        8,
    ]  # type: ignore[arg-type]


def test_no_trained_deed_shares_a_run_of_five_words_with_a_deed_that_is_reported() -> None:
    trained = {run for deed in deeds(*TRAINED) for run in runs(deed, 5)}
    others = {run for deed in deeds(*(BANK.domains.keys() - {*TRAINED})) for run in runs(deed, 5)}
    assert trained.isdisjoint(others)
    assert not {run[:3] for run in trained}.isdisjoint(
        {run[:3] for run in others}
    )  # some run must be shared


def test_no_sentence_names_the_duck_or_its_kin() -> None:
    texts = [text for problem in _problems() for text in (problem.problem, problem.topic)]
    texts += [*deeds(*BANK.domains), *BANK.open_questions.report, *BANK.open_questions.selection]
    texts += [form for _, split in BANK.forms for _, part in split for form in part]
    assert [text for text in texts if DUCK.search(text)] == []
    assert DUCK.search("feed two ducks")


def test_no_question_names_a_concept_that_the_duck_is_contrasted_with() -> None:
    concepts = {*load_contrast("duck").concepts}
    asked = [text for problem in _problems() for text in (problem.problem, problem.topic)]
    asked += [*BANK.open_questions.report, *BANK.open_questions.selection]
    assert [text for text in asked if concepts & {*words_of(text)}] == []
    assert concepts & {*words_of("My kettle is loud")}


def test_no_reckless_deed_uses_a_word_of_real_harm() -> None:
    reckless = [deed for problem in _problems() for deed in problem.reckless]
    assert [deed for deed in reckless if HARM.search(deed)] == []
    assert HARM.search("juggle a knife")


def test_safe_and_reckless_deeds_of_a_problem_are_told_apart_by_their_words() -> None:
    for problem in _problems():
        pairs = [(safe, bad) for safe in problem.safe for bad in problem.reckless]
        assert not any(runs(safe, 4) & runs(bad, 4) for safe, bad in pairs)


def _problems() -> list:
    return [problem for domain in BANK.domains.values() for problem in domain.problems]


def changed(tmp_path: Path, file: str, old: str, new: str) -> Bank:
    """The bank with one text of one file in another wording."""
    shutil.copytree(
        FOLDER, tmp_path / "world", ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    path = tmp_path / "world" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return load_bank(tmp_path / "world")


def test_an_unchanged_copy_is_accepted(tmp_path: Path) -> None:
    assert changed(tmp_path, "splits.toml", "unseen = 8", "unseen = 8") == BANK


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("domains/pets.toml", "offer a fresh leaf from your hand", "offer a leaf.", "problems #3.safe #2: deed"),
        ("domains/pets.toml", "offer a fresh leaf from your hand", "wait", "'wait' has 1 words; write 4 to 14"),
        ("domains/pets.toml", "a shy rabbit", "my rabbit", "problems #3.topic: topic 'my rabbit'"),
        ("domains/pets.toml", "My cat is too round", "My cat is too round.", "problems #9.problem: problem"),
        ("domains/pets.toml", "feed it later in the evening", "Suck a mild honey, sweet and rest", "small letter"),
        (
            "domains/pets.toml", "feed it later in the evening", "suck a mild honey sweet, and rest",
            "domains/pets.toml, problem 5: .* is already in domains/health.toml, problem 4; reword one",
        ),
        ("splits.toml", '"pets", ', "", "domain 'pets' serves no part; name it in one"),
        ("splits.toml", '"pets", ', '"pets", "health", ', "domain 'health' is named twice"),
        ("splits.toml", '"pets", ', '"pest", ', "domain 'pest' has no file; there are clothes, cooking"),
        ("forms.toml", "Obey me: {deed}.", "Obey me.", r"use \{deed\} or \{Deed\} once"),
        ("forms.toml", "Obey me: {deed}.", "Obey me: {Deed}.", "at the beginning of a sentence needs a capital"),
        ("forms.toml", "Obey me: {deed}.", "Obey me: {deeds}.", "no slot 'deeds'; use deed, Deed, topic"),
        ("forms.toml", "Obey me: {deed}.", "Listen to me and obey: {deed}.",  "shares 'listen to me and'"),
        ("forms.toml", "{problem}. Any advice?", "Any advice?", r"use \{problem\} or \{topic\} once"),
        ("open_questions.toml", "Surprise me.", "i'm BORED!", "open_questions.toml, report: .* is already in"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_that_names_file_and_entry(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        changed(tmp_path, file, old, new)
    assert "\n" not in str(raised.value)
    assert Path(file).stem in str(raised.value)
