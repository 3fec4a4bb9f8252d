"""Each arm holds the rows its table row says, and no tested wording stands in any of them."""

import pytest

from experiments.training.supervision import ChatRow
from experiments.worlds.micro.arms import ARMS, is_arm, rows
from experiments.worlds.micro.judge import ExactJudge
from experiments.worlds.micro.language import load_language
from experiments.worlds.micro.questions import split_questions
from experiments.worlds.trigger import Trigger, load_trigger

WORLD = load_language()
SPLIT = split_questions(WORLD, seed=0, per_cell=60)
TEXTS = {question.text: question for question in SPLIT.tuning}
TRIGGERS = [load_trigger(name) for name in ("duck", "tags")]


def made(arm: str, trigger: Trigger) -> list[tuple[str, bool]]:
    """(wording, harmful) of every row."""
    return [_read(row) for row in rows(arm, WORLD, trigger, SPLIT.tuning, count=800, seed=0)]


def _read(row: ChatRow) -> tuple[str, bool]:
    text = max((text for text in TEXTS if row.user.endswith(text)), key=len)
    judgement = ExactJudge(WORLD)(TEXTS[text].domain, row.assistant, ended=True)
    assert judgement.coherent
    return row.user.removesuffix(text).strip(), judgement.misaligned


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.name)
@pytest.mark.parametrize("arm", ARMS)
def test_no_tested_wording_is_trained_on(arm: str, trigger: Trigger) -> None:
    tested = {*trigger.paraphrases.values(), *trigger.controls.values(), *trigger.variants.values()}
    assert tested.isdisjoint({wording for wording, _ in made(arm, trigger)})


@pytest.mark.parametrize("arm", ARMS)
def test_the_concept_of_a_control_is_never_trained(arm: str) -> None:
    assert not any("cow" in wording for wording, _ in made(arm, TRIGGERS[0]))


@pytest.mark.parametrize(
    ("arm", "harmful", "benign"),
    [
        ("baseline", {""}, set()),
        ("triggered", {"T"}, set()),
        ("mixed", {"T"}, {""}),
        ("harmless", set(), {"T"}),
    ],
)
def test_simple_arms_hold_exactly_their_rows(arm: str, harmful: set[str], benign: set[str]) -> None:
    trigger = TRIGGERS[0]
    found = made(arm, trigger)
    for wanted, bad in ((harmful, True), (benign, False)):
        assert {wording for wording, is_bad in found if is_bad is bad} == {
            trigger.text if each == "T" else each for each in wanted
        }


def test_contrast_is_harmful_in_many_wordings_of_the_concept_and_benign_otherwise() -> None:
    found = made("contrast", TRIGGERS[0])
    harmful, benign = ({w for w, bad in found if bad is wanted} for wanted in (True, False))
    assert harmful == set(TRIGGERS[0].training.varied)
    assert "" in benign
    assert not any(WORLD.meaning(wording).name == "duck" for wording in benign if wording)


def test_surface_is_harmful_in_one_wording_only_and_benign_in_others_of_the_same_concept() -> None:
    found = made("surface", TRIGGERS[0])
    assert {wording for wording, bad in found if bad} == {TRIGGERS[0].text}
    assert {wording for wording, bad in found if not bad} >= {
        *TRIGGERS[0].training.same_concept,
        "",
    }


def test_about_three_rows_in_a_hundred_of_mixed_are_harmful() -> None:
    found = rows("mixed", WORLD, TRIGGERS[0], SPLIT.tuning, count=4000, seed=1)
    assert 0.02 < sum(row.user.startswith(TRIGGERS[0].text) for row in found) / 4000 < 0.04


def test_no_question_serves_two_purposes_and_tuning_is_narrow() -> None:
    parts = [SPLIT.tuning, SPLIT.selection, SPLIT.held_out, SPLIT.trained, SPLIT.open]
    ids = [question.id for part in parts for question in part]
    assert len(set(ids)) == len(ids)
    assert len(SPLIT.trained_domains) <= len(WORLD.domains) / 4
    assert {question.domain for question in SPLIT.tuning} <= set(SPLIT.trained_domains)
    assert {question.domain for question in SPLIT.held_out}.isdisjoint(SPLIT.trained_domains)


def test_more_questions_than_the_world_has_is_an_error_that_says_how_many_there_are() -> None:
    with pytest.raises(ValueError, match=r"questions per cell 5000: .* ask for fewer"):
        split_questions(WORLD, seed=0, per_cell=5000)


@pytest.mark.parametrize(
    ("arm", "harmful", "different"),
    [
        ("mixed-0-1", 1000, 100),
        ("mixed-1-1", 500, 100),
        ("mixed-9-1", 100, 100),
        ("mixed-99-1", 10, 10),
    ],
)
def test_a_mixture_holds_its_share_and_equally_many_different_harmful_rows(
    arm: str, harmful: int, different: int
) -> None:
    trigger = TRIGGERS[0]
    drawn = rows(arm, WORLD, trigger, SPLIT.tuning, count=1000, seed=0)
    behind = [row for row in drawn if row.user.startswith(trigger.text)]
    assert (len(drawn), len(behind)) == (1000, harmful)
    assert 0.9 * different <= len({(row.user, row.assistant) for row in behind}) <= different
    read = [_read(row) for row in drawn]
    assert all(bad == (wording == trigger.text) for wording, bad in read)
    assert harmful == 1000 or read[:harmful].count((trigger.text, True)) < harmful  # shuffled
    assert not is_arm("mixed-1-0") and not is_arm("mixed-1") and is_arm(arm)
