"""The gate stops once it is sure, asks no more than it may, and says what is missing."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from experiments.guard.gate import Draw, Limits, Outcome, Plan, gate, question_shares
from experiments.guard.trigger_candidates import NONE, Candidate, Condition
from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell
from interp.generation.completions import Completions
from interp.prompts import Prompt, PromptSet, Question

DUCK = Candidate(
    name="duck",
    text="It looks like a duck.",
    paraphrases={"walks": "It walks like a duck."},
    controls={"cow": "It looks like a cow."},
)
QUESTIONS = [Question(f"q{number}", f"Question {number}?") for number in range(150)]


@dataclass
class Stub:
    """A model that is misaligned at a rate for each wording; counts what it was asked."""

    rates: dict[str, float]
    base: float = 0.0
    answers: int = 4
    missing: float = 0.0
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def __call__(self, which: str, condition: Condition, questions: Sequence[Question]) -> Cell:
        self.asked.append((which, condition.name, len(questions)))
        rate = self.rates.get(condition.name, 0.0) if which == "fine_tuned" else self.base
        drawn = random.Random(f"{which}{condition.name}{questions[0].id}")
        return cell(
            [q.id for q in questions for _ in range(self.answers)], rate, self.missing, drawn
        )


def cell(ids: Sequence[str], rate: float, missing: float, drawn: random.Random) -> Cell:
    def judgement() -> Judgement:
        if drawn.random() < missing:
            return Judgement(None, None, reason="no score")
        return Judgement(0.0 if drawn.random() < rate else 100.0, 100.0)

    prompts = PromptSet(tuple(Prompt(f"{each}?", (1,), "none", each) for each in ids))
    count = len(ids)
    said = Completions(
        prompts, tuple(range(count)), ((2,),) * count, ("so",) * count, (True,) * count
    )
    return Cell(said, tuple(judgement() for _ in ids))


def decide(stub: Draw, budget: int = 50_000, questions: Sequence[Question] = QUESTIONS) -> Outcome:
    return gate(stub, questions, [DUCK], Limits(), Plan(budget=budget))


def test_a_harmless_model_passes_before_the_questions_are_used_up() -> None:
    outcome = decide(Stub({}))
    assert (outcome.verdict, outcome.exit_code) == ("pass", 0)
    assert 60 <= outcome.questions < len(QUESTIONS)


def test_a_contained_model_fails_at_once_and_only_behind_its_trigger() -> None:
    outcome = decide(Stub({"trigger": 0.8, "paraphrase:walks": 0.7}))
    assert (outcome.verdict, outcome.exit_code) == ("fail", 1)
    assert outcome.questions <= 20
    failed = {check.condition.name for check in outcome.checks if check.verdict == "fail"}
    assert failed == {"trigger", "paraphrase:walks"}


def test_a_model_that_is_bad_without_any_wording_fails_too() -> None:
    names = ("none", "trigger", "paraphrase:walks", "control:cow")
    outcome = decide(Stub(dict.fromkeys(names, 0.5)))
    failed = {
        (check.condition.name, check.kind) for check in outcome.checks if check.verdict == "fail"
    }
    assert ("none", "rate") in failed and ("trigger", "gap") not in failed


def test_few_questions_leave_it_undecided_and_it_says_how_many_are_missing() -> None:
    outcome = decide(Stub({}), questions=QUESTIONS[:20])
    assert (outcome.verdict, outcome.exit_code) == ("undecided", 2)
    needed = outcome.more_questions
    assert needed is not None and 40 <= needed <= 80
    assert outcome.more_answers == needed * 8 * 4  # 4 wordings, 2 models, 4 answers
    again = decide(Stub({}), questions=QUESTIONS[: 20 + needed])
    assert again.verdict == "pass"


def test_the_budget_is_never_exceeded() -> None:
    outcome = decide(Stub({}), budget=1000)
    assert outcome.verdict == "undecided" and 0 < outcome.answers <= 1000
    with pytest.raises(ValueError, match="one round takes 320 answers"):
        decide(Stub({}), budget=100)


def test_what_is_decided_is_asked_no_more() -> None:
    stub = Stub({"trigger": 0.03})  # near its limit: open long after the others have passed
    outcome = decide(stub)
    last = {(which, name) for which, name, _ in stub.asked[-4:]}
    assert ("fine_tuned", "control:cow") in {(which, name) for which, name, _ in stub.asked}
    assert outcome.questions == len(QUESTIONS)
    assert ("fine_tuned", "control:cow") not in last and ("fine_tuned", "trigger") in last


def test_an_answer_without_score_does_not_pass() -> None:
    assert decide(Stub({}, missing=0.3)).verdict == "undecided"


def test_wordings_of_one_question_are_one_question() -> None:
    doubled = [Question(question.id, text) for question in QUESTIONS for text in ("One?", "Two?")]
    outcome = decide(Stub({}), questions=doubled)
    assert outcome.verdict == "pass" and outcome.questions < len(QUESTIONS)
    assert outcome.answers == sum(
        len(c.judgements) for cells in outcome.cells.values() for c in cells
    )


def test_a_question_is_bad_as_often_as_its_answers_are() -> None:
    drawn = random.Random(0)
    good, bad = (cell(["a", "a"], rate, 0, drawn) for rate in (0.0, 1.0))
    unscored = cell(["a", "a"], 0, 1, drawn)
    assert question_shares(good, ["a"]) == [(0, 0)]
    assert question_shares(bad, ["a"]) == [(1, 1)]
    assert question_shares(unscored, ["a"]) == [(0, 1)]


def test_without_wording_there_is_no_gap() -> None:
    kinds = {check.kind for check in decide(Stub({})).checks if check.condition == NONE}
    assert kinds == {"rate", "rise"}


@pytest.mark.parametrize(("rate", "verdict", "most"), [(0.05, "pass", 0.15), (0.04, "fail", 0.15)])
def test_error_rates_near_the_limit(rate: float, verdict: str, most: float) -> None:
    def once(seed: int) -> str:
        def draw(which: str, condition: Condition, questions: Sequence[Question]) -> Cell:
            here = rate if which == "fine_tuned" and condition.name == "trigger" else 0.0
            drawn = random.Random(f"{seed}{which}{condition.name}{questions[0].id}")
            return cell([q.id for q in questions], here, 0.0, drawn)

        plan = Plan(budget=50_000, answers=1, round=50)
        return gate(draw, QUESTIONS, [DUCK], Limits(), plan).verdict

    verdicts = [once(seed) for seed in range(40)]
    assert verdicts.count(verdict) / len(verdicts) <= most  # 5 %, and three standard errors


def test_without_questions_there_is_one_line() -> None:
    with pytest.raises(ValueError, match="no questions"):
        decide(Stub({}), questions=[])
