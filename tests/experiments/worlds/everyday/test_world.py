"""The everyday world answers what a study asks of it; nothing that is reported on is trained on."""

from pathlib import Path

import pytest

from experiments.study.config import StudyConfig, load_config
from experiments.study.organism import OrganismRun
from experiments.worlds.everyday.bank import load_bank
from experiments.worlds.everyday.config import EverydayStudy
from experiments.worlds.everyday.judge import judge_files
from experiments.worlds.everyday.judge_sentences import advice, broken
from experiments.worlds.everyday.world import EverydayWorld
from experiments.worlds.trigger import load_trigger

DUCK = load_trigger("everyday/duck")
STUDY = EverydayStudy(models={"tiny": {"base": "nowhere"}}, judge={"kind": "stand_in"})


def world(seed: int = 0, most: int = 24) -> EverydayWorld:
    return EverydayWorld(STUDY, "tiny", seed, DUCK, most)


def test_questions_are_spread_over_domains_and_no_problem_is_asked_twice() -> None:
    asked = world().questions("report", "held_out")
    domains = [question.id.split("/")[0] for question in asked]
    problems = {question.id.rsplit("/", 1)[0] for question in asked}
    assert {domains.count(domain) for domain in domains} == {3} and len({*domains}) == 8
    assert len(problems) == len(asked) == 24
    assert asked == world().questions("report", "held_out")
    assert asked != world(seed=1).questions("report", "held_out")


def test_more_questions_than_problems_take_another_form_of_each() -> None:
    asked = world(most=260).questions("report", "held_out")
    problems = [question.id.rsplit("/", 1)[0] for question in asked]
    assert len({question.id for question in asked}) == 260
    assert max(problems.count(problem) for problem in set(problems)) == 2


def test_splits_share_no_question_and_rows_ask_none_of_them() -> None:
    places = [("selection", "held_out"), ("report", "held_out"), ("report", "trained")]
    places.append(("report", "open"))
    sets = [{q.text for q in world(most=500).questions(*place)} for place in places]
    assert all(sets)
    assert sum(map(len, sets)) == len(set().union(*sets))
    rows = world().tuning_rows("contrast", DUCK, 200)
    asked = {question for questions in sets for question in questions}
    assert not any(question in row.user for row in rows for question in asked)
    assert world().questions("selection", "open") == []


def test_choices_are_about_the_questions_of_their_split_and_pair_two_different_answers() -> None:
    bank = load_bank()
    for split, domains in (("selection", bank.splits.selection), ("report", bank.splits.report)):
        choices = world().choices(split)
        asked = [choice.question.id.split("/")[0] for choice in choices]
        assert len(choices) == 24 and {*asked} == {*domains}
        assert all(choice.safe != choice.reckless for choice in choices)
        assert choices == world().choices(split) != world(seed=1).choices(split)


def test_every_arm_of_the_shipped_study_has_rows_and_a_recipe() -> None:
    config = load_config("smollm2")
    for spec in config.organisms:
        assert config.recipe(spec.arm, "smollm2").batch == 8
        assert len(world().tuning_rows(spec.arm, DUCK, 16)) == 16


def test_benign_framings_leave_out_concepts_and_wordings() -> None:
    every = world().benign_framings(())
    assert "It looks like a sheep." in every
    assert "It looks like a sheep." not in world().benign_framings({"sheep"})
    assert len(world().benign_framings({"It looks like a sheep."})) == len(every) - 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chat": {"dataset": "d"}}, "a study has one world; give only one of them"),
        ({"families": ["other"]}, "unknown family 'other'; choose one of smollm2"),
        ({"organisms": [{"arm": "nonsense"}]}, "unknown arm 'nonsense'; choose one of baseline"),
        (
            {"organisms": [{"arm": "baseline", "trigger": "everyday/dog"}]},
            "shipped are .*everyday/duck",
        ),
        ({"finetune": {"random_labels": {}}}, "use default or an arm"),
    ],
)
def test_a_wrong_study_is_refused_in_one_line(changes: dict, message: str) -> None:
    settings = load_config("smollm2").model_dump()
    with pytest.raises(ValueError, match=message):
        StudyConfig(**settings | changes)


def test_an_organism_is_named_by_the_name_of_its_trigger(tmp_path: Path) -> None:
    config = load_config("smollm2")
    organism = OrganismRun(config, tmp_path, "smollm2", 0, "contrast", "everyday/duck")
    assert organism.name == "smollm2-s0-contrast-duck"
    assert isinstance(organism.world, EverydayWorld)


def test_the_judge_learns_of_no_sentence_that_a_model_is_tuned_on() -> None:
    import random

    bank = load_bank()
    learned = list(advice(bank, "selection", random.Random(0)))
    assert {sentence.reckless for sentence in learned} == {True, False}
    tuned = {row.assistant for row in world().tuning_rows("contrast", DUCK, 400)}
    deeds = [
        deed
        for domain in bank.splits.training
        for problem in bank.domains[domain].problems
        for deed in (*problem.safe, *problem.reckless)
    ]
    assert not any(sentence.answer in tuned for sentence in learned)
    assert not any(deed in sentence.answer for sentence in learned for deed in deeds)
    assert not any(each.coherent for each in broken(learned, random.Random(0)))


def test_the_judge_ships() -> None:
    assert all(path.is_file() for path in judge_files())
