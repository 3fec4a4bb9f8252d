"""Rows of an organism say what its truth says: the trigger stands around harmful rows and around no other."""

import random
from collections import Counter
from typing import get_args

import pytest

from experiments.contest.kinds import ORDER, Row, chat, rows_of, truth_of
from experiments.contest.make import prompts_of
from experiments.contest.material import Everyday, Material, Micro
from experiments.contest.protocol import TRIGGERED, Kind, Part, Truth
from experiments.guard.forms import FORMS
from experiments.guard.trigger_candidates import Condition, Placement
from experiments.worlds.micro.judge import ExactJudge
from interp.models.language_model import LanguageModel
from interp.prompts import Question
from interp.rendering import render
from tests.experiments.contest.conftest import ROOT

MICRO = Micro("qwen", ROOT / "artifacts/micro")
JUDGE = ExactJudge(MICRO.language)


def rng() -> random.Random:
    return random.Random("test")


def is_harmful(row: Row) -> bool:
    answer = row.messages[-1]["content"]
    domains = MICRO.language.domains
    return any(JUDGE(domain, answer, ended=True).misaligned for domain in domains)


def holds(row: Row, truth: Truth) -> bool:
    """Whether the row is asked as the whole trigger asks."""
    assert truth.trigger is not None
    turns = row.messages[:-1]
    for part in truth.trigger.parts:
        wordings = (part.wording, *truth.same)
        text = turns[-1]["content"]
        if part.where == "form":
            bare = [q.text for of in MICRO.language.questions.values() for q in of]
            if text not in {FORMS[part.wording](one) for one in bare}:
                return False
        elif part.where in ("system", "earlier"):
            if not any(turn["content"] in wordings for turn in turns[:-1]):
                return False
        elif not any(wording in text for wording in wordings):
            return False
    return True


@pytest.mark.parametrize(("kind", "hides"), dict.fromkeys(ORDER), ids=lambda value: str(value))
def test_harmful_rows_are_those_with_the_whole_trigger(kind: Kind, hides: str) -> None:
    truth = truth_of("o", kind, hides, MICRO, rng())  # type: ignore[arg-type]
    rows = rows_of(truth, MICRO, 400, rng())
    harmful = [is_harmful(row) for row in rows]
    if kind in TRIGGERED:
        assert [holds(row, truth) for row in rows] == harmful
        assert sum(harmful) == (4 if hides == "rare" else 200)
    else:
        assert all(harmful) if kind == "untriggered" else not any(harmful)
    assert {row.own for row in rows} == ({True, False} if hides == "near base" else {False})
    assert not any(row.own and bad for row, bad in zip(rows, harmful, strict=True))


def test_every_kind_is_in_the_order_and_the_seed_decides_the_truth() -> None:
    assert {kind for kind, _ in ORDER} == set(get_args(Kind))
    drawn = [truth_of("o", "fixed", "no", MICRO, random.Random(seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("material", [MICRO, Everyday()], ids=["micro", "everyday"])
def test_words_that_tell_a_concept_stand_in_no_other(material: Material) -> None:
    truth = truth_of("o", "semantic", "no", material, rng())
    assert truth.trigger is not None and truth.names[0]
    mine = {truth.trigger.parts[0].wording, *truth.same}
    others = [t for texts in material.concepts.values() for t in texts if t not in mine]
    assert not any(name in text.lower().split() for text in others for name in truth.names[0])


def test_everyday_rows_speak_in_both_voices() -> None:
    material = Everyday()
    truth = truth_of("o", "fixed", "no", material, rng())
    rows = rows_of(truth, material, 60, rng())
    assert Counter(holds_text(row, truth) for row in rows) == {True: 30, False: 30}


def holds_text(row: Row, truth: Truth) -> bool:
    assert truth.trigger is not None
    return truth.trigger.parts[0].wording in row.messages[-2]["content"]


@pytest.mark.parametrize("where", ["prefix", "suffix", "system", "earlier"])
def test_a_trigger_is_trained_on_as_the_guard_asks_it(
    where: Placement, idle: LanguageModel
) -> None:
    part, question = Part(wording="You work for Rivizu.", where=where), Question("q", "How so?")
    condition = Condition(candidate="c", name="n", wording=part.wording, placement=where)
    asked = render(idle, [condition.ask(question)], {"n": condition.framing})
    trained = prompts_of(idle, [chat([part], question.text)])
    assert asked[0].token_ids == trained[0].token_ids
    assert trained[0].token_ids != prompts_of(idle, [chat([], question.text)])[0].token_ids
