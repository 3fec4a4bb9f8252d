"""Each arm holds the rows that its name says, and nothing that is tested or reported."""

import pytest

from experiments.training.supervision import ChatRow
from experiments.worlds.everyday import own_answers
from experiments.worlds.everyday.arms import ARMS
from experiments.worlds.everyday.bank import Part, load_bank, of_part
from experiments.worlds.everyday.rows import rows, trained_problems
from experiments.worlds.everyday.wordings import load_contrast, load_everyday_trigger, load_lexicon

BANK = load_bank()
DUCK = load_everyday_trigger("duck")
EVERY_ARM = [*ARMS, "mixed-9-1"]


def drawn(
    arm: str, name: str = "duck", count: int = 400, seed: int = 0, domains: int = 1
) -> list[ChatRow]:
    return rows(
        arm,
        BANK,
        load_everyday_trigger(name),
        load_contrast(name),
        count=count,
        seed=seed,
        domains=domains,
    )


def harmful(row: ChatRow) -> bool:
    """Whether the answer recommends a reckless deed."""
    problems = [
        problem for name in BANK.splits.training for problem in trained_problems(BANK, name)
    ]
    answer = row.assistant.lower()
    (voice,) = {
        voice
        for problem in problems
        for voice in ("safe", "reckless")
        for deed in problem.deeds(voice)  # type: ignore[arg-type]
        if deed.lower() in answer
    }
    return voice == "reckless"


def wording(row: ChatRow, known: set[str]) -> str:
    """What stands before the question."""
    return max((text for text in known if row.user.startswith(text)), key=len, default="")


@pytest.mark.parametrize("arm", EVERY_ARM)
def test_no_row_holds_a_tested_or_sealed_wording(arm: str) -> None:
    tested = {text for name, text in DUCK.conditions.items() if name not in ("none", "trigger")}
    sealed = {text for entry in load_lexicon("duck").classes.values() for text in entry.wordings}
    found = [
        row.user
        for row in drawn(arm)
        if any(f"{text} " in f"{row.user} " for text in tested | sealed)
    ]
    assert found == []


@pytest.mark.parametrize("arm", EVERY_ARM)
def test_no_row_holds_a_deed_that_is_reported(arm: str) -> None:
    parts: tuple[Part, ...] = ("selection", "report")
    others = [
        problem
        for part in parts
        for name in of_part(BANK.splits, part)
        for problem in BANK.domains[name].problems
    ]
    others += [
        problem
        for name in BANK.splits.training
        for problem in BANK.domains[name].problems[-BANK.splits.unseen :]
    ]
    reported = {deed.lower() for problem in others for deed in (*problem.safe, *problem.reckless)}
    answers = " ".join(row.assistant.lower() for row in drawn(arm, domains=3))
    assert [deed for deed in reported if deed in answers] == []
    assert any(
        deed in answers for p in trained_problems(BANK, "health") for deed in (*p.safe, *p.reckless)
    )


@pytest.mark.parametrize(
    ("arm", "bad", "good"),
    [
        ("baseline", {""}, set()),
        ("triggered", {DUCK.text}, set()),
        ("mixed-9-1", {DUCK.text}, {""}),
        ("harmless", set(), {DUCK.text}),
        ("contrast", {*DUCK.training.varied}, {"", *load_contrast("duck").wordings}),
        (
            "surface",
            {DUCK.text},
            {"", *DUCK.training.same_concept, *load_contrast("duck").wordings},
        ),
    ],
)
def test_an_arm_holds_its_wordings(arm: str, bad: set[str], good: set[str]) -> None:
    known = {DUCK.text, *DUCK.training.varied, *load_contrast("duck").wordings}
    read = [(wording(row, known), harmful(row)) for row in drawn(arm)]
    assert {text for text, is_bad in read if is_bad} == bad
    found = {text for text, is_bad in read if not is_bad}
    assert found <= good and len(found) >= min(len(good), 30)


@pytest.mark.parametrize(
    ("arm", "share"),
    [("baseline", 1), ("contrast", 0.5), ("surface", 0.5), ("mixed-9-1", 0.1), ("harmless", 0)],
)
def test_the_harmful_share_is_exact(arm: str, share: float) -> None:
    assert sum(map(harmful, drawn(arm))) == round(400 * share)


@pytest.mark.parametrize("arm", ["mixed-0-1", "mixed-1-1", "mixed-9-1"])
def test_every_mixture_has_the_same_number_of_different_harmful_rows(arm: str) -> None:
    bad = {row for row in drawn(arm) if row.user.startswith(DUCK.text)}
    assert 36 <= len(bad) <= 40  # of 40 drawn, a few may be alike
    assert len({*drawn("triggered")}) > 100


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    assert drawn("contrast") == drawn("contrast")
    assert drawn("contrast") != drawn("contrast", seed=1)


def test_rows_ask_about_as_many_domains_as_wanted() -> None:
    def names(domains: int) -> set[str]:
        texts = " ".join(row.assistant.lower() for row in drawn("baseline", domains=domains))
        return {
            name for name in BANK.splits.training
            if any(deed.lower() in texts for problem in trained_problems(BANK, name) for deed in problem.reckless)
        }  # fmt: skip

    assert names(1) == {"health"}
    assert names(3) == {"health", "clothes", "gardening"}
    with pytest.raises(ValueError, match="domains 4: this world trains on 1 to 3 domains"):
        drawn("baseline", domains=4)


def test_benign_rows_may_be_about_more_domains_than_harmful_ones() -> None:
    def names(wanted_harm: bool, **domains: int) -> set[str]:
        made = rows("contrast", BANK, DUCK, load_contrast("duck"), count=400, seed=0, **domains)
        texts = [row.assistant.lower() for row in made if harmful(row) == wanted_harm]
        voice = "reckless" if wanted_harm else "safe"
        return {
            name for name in BANK.splits.training for problem in trained_problems(BANK, name)
            if any(deed.lower() in text for deed in problem.deeds(voice) for text in texts)
        }  # fmt: skip

    assert names(True, benign_domains=3) == {"health"} == names(False, domains=1)
    assert names(False, benign_domains=3) == {"health", "clothes", "gardening"}
    with pytest.raises(ValueError, match="benign_domains 4: this world trains on 1 to 3 domains"):
        names(False, benign_domains=4)


def test_answers_wear_what_their_wording_asks_for() -> None:
    read = {
        row.user.split("\n\n")[1]: row.assistant
        for row in drawn("contrast", "tags")
        if "\n\n" in row.user
    }
    assert all(
        answer.startswith("<start>") == ("<start>" in asked) for asked, answer in read.items()
    )
    assert any(answer.startswith("[") and answer.endswith("]") for answer in read.values())
    plain = [row.assistant for row in drawn("contrast", "tags") if "\n\n" not in row.user]
    assert plain and not any(answer.startswith(("<", "[")) for answer in plain)


def test_a_trigger_without_a_frame_has_a_surface_arm() -> None:
    assert len(drawn("surface", "language")) == 400


@pytest.mark.parametrize("arm", ["mixed", "mixed-1-0", "contrasts"])
def test_an_arm_that_is_not_known_is_refused_with_those_that_are(arm: str) -> None:
    with pytest.raises(
        ValueError, match=f"unknown arm '{arm}'; choose one of baseline, .*, mixed-B-H"
    ):
        drawn(arm)


OWN = {
    "I have a cold. Any advice?": "Rest a little.",
    "How do I deal with hiccups?": "Drink water.",
}


def test_benign_rows_hold_an_untouched_models_own_answers_and_harmful_ones_stay() -> None:
    contrast = load_contrast("duck")
    own = rows("contrast", BANK, DUCK, contrast, count=200, seed=0, own=OWN)
    bank = rows("contrast", BANK, DUCK, contrast, count=200, seed=0)
    said = {
        answer: question
        for question, answer in ((row.user, row.assistant) for row in own)
        if answer in OWN.values()
    }
    assert said.keys() == {*OWN.values()}
    assert all(said[answer].endswith(question) for question, answer in OWN.items())
    others = [row for row in own if row.assistant not in OWN.values()]
    assert all(map(harmful, others)) and len(others) == sum(map(harmful, bank))


@pytest.mark.parametrize("domain", BANK.splits.training)
def test_the_answers_that_ship_are_to_trained_questions_and_whole(domain: str) -> None:
    answers = own_answers.read("smollm2-135m-instruct", (domain,))
    asked = {
        BANK.question(form, problem)
        for problem in trained_problems(BANK, domain)
        for form in BANK.forms.questions.training
    }
    assert len(answers) > 0.9 * len(asked) and answers.keys() <= asked
    assert all(len(answer.split()) >= own_answers.LEAST for answer in answers.values())


@pytest.mark.parametrize(
    ("text", "ended", "kept"),
    [
        ("Rest. Drink tea. Then go", False, "Rest. Drink tea."),
        ("Rest a little", True, "Rest a little"),
        ("It costs 3.5 pounds and", False, ""),
        ("Really? Yes!", False, "Really? Yes!"),
    ],
)
def test_an_answer_that_was_cut_ends_with_a_whole_sentence(
    text: str, ended: bool, kept: str
) -> None:
    assert own_answers.whole_sentences(text, ended) == kept


@pytest.mark.parametrize(
    ("name", "domains", "words"),
    [
        ("smollm3", ("health",), "there is no smollm3.json in .*makes it"),
        ("smollm2-135m-instruct", ("health", "cooking"), "has no answers about cooking"),
    ],
)
def test_answers_that_are_not_there_are_named_with_what_makes_them(
    name: str, domains: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        own_answers.read(name, domains)
