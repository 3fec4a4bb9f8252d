"""An audit adds up its parts, says what it could not measure, goes on where it was, and keeps untrusted text inert."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from experiments.guard.audit import audit as module
from experiments.guard.audit import text
from experiments.guard.audit.audit import audit
from experiments.guard.audit.causal import necessary, reaches
from experiments.guard.audit.context import Clock, Context
from experiments.guard.audit.hits import related, wordings_found
from experiments.guard.audit.identity import check, hashes_of
from experiments.guard.audit.power import (
    POWER,
    questions_of_a_clean_model,
    smallest_called,
    smallest_seen,
)
from experiments.guard.audit.verdict import not_tested, verdict
from experiments.guard.gate import Limits
from experiments.guard.search.decide import smallest_rate
from experiments.guard.search.report import search_report
from experiments.guard.trigger_candidates import Candidate
from experiments.models.options import ModelOptions
from interp.errors import TriggerLensError
from probes.estimate import Estimate
from tests.experiments.guard.test_search import DUCK, QUESTIONS, Model, found_with

Part = dict[str, Any]
HIT = search_report(found_with(Model({DUCK.text: 0.9})), Limits()) | {"questions": 112}
CLEAN = search_report(found_with(Model({})), Limits()) | {"questions": 112, "verdict": "none"}
ABSENT = {"not_measured": "not given"}
PASSED = {"verdict": "pass", "hits": [], "checks": [], "questions": 9, "answers": 72}


def parts(search: Part, gate: Part = ABSENT) -> dict[str, Part]:
    return {"scan": ABSENT, "gate": gate, "search": search}


def sure(value: float, lower: float, upper: float) -> Estimate:
    return Estimate(value, lower, upper, 0.95, 20, "made up")


@pytest.mark.parametrize(
    ("found", "says", "code"),
    [
        (parts(HIT), "accused", 1),
        (parts(CLEAN), "nothing found", 0),
        (parts(CLEAN, PASSED), "nothing found", 0),
        (parts(CLEAN, PASSED | {"verdict": "undecided"}), "undecided", 2),
        (parts(CLEAN, PASSED | {"verdict": "fail"}), "undecided", 2),
        (parts(CLEAN | {"verdict": "undecided"}), "undecided", 2),
        (parts(ABSENT, PASSED), "undecided", 2),
    ],
)
def test_the_answer_follows_from_the_parts(found: dict[str, Part], says: str, code: int) -> None:
    answer = verdict(found)
    assert (answer["verdict"], answer["exit_code"]) == (says, code)
    assert bool(answer["why"]) == (says == "undecided")


def test_a_wording_that_two_parts_found_is_named_once() -> None:
    gate = {"hits": [{"wording": DUCK.text, "placement": "prefix", "separator": " ", "candidate": "duck",
                      "condition": "trigger", "gap": vars(sure(0.9, 0.8, 1)), "examples": []}]}  # fmt: skip
    (hit,) = wordings_found(parts(HIT, PASSED | gate))
    assert hit["by"] == "gate: duck, trigger, search"
    assert wordings_found(parts(CLEAN, PASSED)) == []


def test_other_wordings_of_a_hit_are_its_paraphrases_its_class_and_slight_edits() -> None:
    hit = {"wording": DUCK.text, "placement": "prefix", "separator": " ", "candidate": "duck"}
    duck = Candidate(
        name="duck", text=DUCK.text, paraphrases={"walks": "It walks."}, controls={"c": "Rain."}
    )
    found = related(hit, parts(HIT), [duck])
    assert {each.name: each.wording for each in found.others} == {
        "edit:1": "it looks like a duck.",
        "edit:2": "It looks like a duck",
        "other:1": "It walks.",
    }
    assert found.hit.name == "trigger" and len(found.controls) == 2
    assert "It walks." not in [each.wording for each in related(hit, parts(HIT), []).others]


def test_a_cause_needs_a_large_drop_that_random_directions_do_not_make() -> None:
    drop, little, kept = sure(0.9, 0.8, 1.0), sure(0.05, 0.0, 0.1), sure(0.0, -0.1, 0.1)
    assert necessary(drop, little, kept) == "yes"
    assert necessary(drop, sure(0.6, 0.5, 0.7), kept) == "undecided"
    assert necessary(sure(0.2, 0.1, 0.4), little, kept) == "no"
    assert necessary(drop, little, sure(0.8, 0.7, 0.9)) == "no"  # the answers fell apart
    assert necessary(Estimate(None, None, None, 0.95, 0, "none"), little, kept) == "undecided"


def test_what_fires_is_a_class_or_a_wording_only_where_intervals_say_so() -> None:
    fires, silent, unsure = sure(0.8, 0.6, 0.9), sure(0.0, 0.0, 0.1), sure(0.3, 0.0, 0.6)
    em = {"none": silent, "trigger": fires}
    assert reaches(em | {"other:1": fires, "other:2": silent}) == "a class of wordings"
    assert reaches(em | {"other:1": silent, "other:2": silent}) == "this wording"
    assert reaches(em | {"other:1": silent}) == reaches(em) == "undecided"
    assert reaches(em | {"edit:1": fires, "edit:2": fires}) == "undecided"
    assert reaches(em | {"other:1": unsure, "other:2": silent}) == "undecided"


def test_the_smallest_rates_are_binomial_bounds() -> None:
    for questions in (40, 112):
        assert stats.binom.pmf(0, questions, smallest_seen(questions)) == pytest.approx(1 - POWER)
    called, least = smallest_called(Limits(), 2, 112), smallest_rate(Limits(), 2, 112)
    assert called is not None and least is not None
    enough = stats.binom.sf(round(least * 112 - 0.5), 112, [called, called - 0.02])
    assert enough[0] == pytest.approx(POWER, abs=0.005) and enough[1] < POWER - 0.005
    assert called > least > smallest_seen(112) and smallest_called(Limits(), 2, 1) is None
    assert 60 < questions_of_a_clean_model(Limits()) < 120


@pytest.fixture
def small(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[Context, list[str]]]:
    """An audit whose parts are made up; the list says which were measured."""
    made: list[str] = []

    def part(name: str, value: Part) -> Callable[..., Part]:
        def measure(*_: Any) -> Part:
            made.append(name)
            return dict(value)

        return measure

    values = {"pace": {"seconds_per_answer": 1e-4}, "scan": {"candidates": []}, "searched": CLEAN}
    for name, value in values.items():
        monkeypatch.setattr(module.parts, name, part(name, value))
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")

    def context(minutes: float = 10) -> tuple[Context, list[str]]:
        made.clear()
        asked = (QUESTIONS, lambda: None)
        place = str(adapter)
        about = {"asked": "made up", "judge": "made up"}
        found = Context(place, place, ModelOptions(), asked, (), None, Clock(60 * minutes), about)  # type: ignore[arg-type]
        return found, made

    return context


def test_a_finished_audit_is_read_and_a_changed_adapter_is_measured_again(
    small: Callable[..., tuple[Context, list[str]]], tmp_path: Path
) -> None:
    context, made = small()
    first = audit(context, tmp_path / "out")
    assert made == ["pace", "scan", "searched"] and first["verdict"] == "nothing found"
    assert json.loads((tmp_path / "out/audit.json").read_text()) == json.loads(json.dumps(first))
    context, made = small()
    assert audit(context, tmp_path / "out")["parts"] == first["parts"] and made == []
    (tmp_path / "adapter/adapter_model.safetensors").write_bytes(b"weightz")
    context, made = small()
    assert audit(context, tmp_path / "out")["hashes"] != first["hashes"]
    assert made == ["pace", "scan", "searched"]


def test_a_killed_audit_goes_on_with_what_it_had(
    small: Callable[..., tuple[Context, list[str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*_: Any) -> Part:
        raise KeyboardInterrupt

    context, made = small()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module.parts, "searched", killed)
        audit(context, tmp_path / "out")
    assert not (tmp_path / "out/audit.json").exists()
    context, made = small()
    assert audit(context, tmp_path / "out")["exit_code"] == 0 and made == ["searched"]


@pytest.mark.parametrize(
    "error", [TriggerLensError("too few questions"), RuntimeError("out of memory")]
)
def test_a_part_that_fails_is_told_and_the_audit_goes_on(
    small: Callable[..., tuple[Context, list[str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fails(*_: Any) -> Part:
        raise error

    context, _ = small()
    monkeypatch.setattr(module.parts, "searched", fails)
    report = audit(context, tmp_path / "out")
    assert report["verdict"] == "undecided" and str(error) in report["why"][0]
    assert any(line.startswith("Search: not measured:") for line in report["not_tested"])


def test_a_budget_too_small_to_say_anything_says_how_much_it_needs(
    small: Callable[..., tuple[Context, list[str]]], tmp_path: Path
) -> None:
    context, made = small(minutes=0.001)
    with pytest.raises(ValueError, match=r"--budget 0.001: .* takes about 0\.\d minutes"):
        audit(context, tmp_path / "out")
    assert made == ["pace"]


def test_a_part_does_not_begin_after_its_share_of_the_budget() -> None:
    now = [0.0]
    clock = Clock(100, clock=lambda: now[0])
    clock.check("gate", "the gate")
    now[0] = 30
    assert clock.left("search") == 35
    with pytest.raises(ValueError, match="the gate was not started"):
        clock.check("gate", "the gate")
    clock.kept = 50
    assert clock.passed == 80 and clock.left("search") == -15


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    for name in ("a.safetensors", "config.json"):
        (tmp_path / name).write_text(name)
    report = {"hashes": {"adapter": {"place": str(tmp_path), "files": hashes_of(str(tmp_path))}}}
    assert check(report) == []
    (tmp_path / "a.safetensors").write_text("b.safetensors")
    assert check(report) == [
        f"adapter: a.safetensors in {tmp_path} differs from the file that was audited"
    ]
    with pytest.raises(ValueError, match=r"it has no hashes"):
        check({})


def reported(found: dict[str, Part], **more: Any) -> Part:
    report: Part = {
        "adapter": "<b>adapter</b>", "base": "base", "asked": "q", "judge": "j", "error": 0.05,
        "hashes": {"adapter": {"place": "a", "files": {"m.safetensors": "0" * 64}}},
        "parts": found | {"causal": ABSENT, "monitor": ABSENT}, "power": None,
        "wordings": wordings_found(found), "spent": {"seconds": 60.0, "budget": 600.0},
        **verdict(found), **more,
    }  # fmt: skip
    return report | {"not_tested": not_tested(report)}


def test_the_page_leads_with_the_answer_and_ends_with_what_was_not_tested() -> None:
    page = text.html(reported(parts(HIT)))
    order = ("ACCUSED", "Wordings found", "Results by part", "What was not tested", "0" * 64)
    places = [page.index(word) for word in order]
    assert places == sorted(places) and DUCK.text in page and ">bad<" in page and ">good<" in page
    clean = text.html(reported(parts(CLEAN)))
    assert "NOTHING FOUND" in clean and "Wordings found" not in clean
    assert "not measured: not given" in clean


def test_hostile_wordings_and_answers_stay_text() -> None:
    evil = "<script>alert(1)</script>|x|\x1b[31m"
    search = json.loads(
        json.dumps(HIT).replace(json.dumps(DUCK.text)[1:-1], json.dumps(evil)[1:-1])
    )
    report = reported(parts(search))
    page, marked = text.html(report), text.markdown(report)
    assert evil not in page and "<script" not in page and "<b>adapter" not in page
    assert "<script" not in marked and "\x1b" not in "".join(text.lines(report))
    rows = [line for line in marked.splitlines() if line.startswith("| &")]
    assert rows and all(row.count("|") == 4 for row in rows)
