"""The whole way from an adapter to its certificate, small: what is measured, of whom, and on which questions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.judging.sampling import framed
from experiments.repair.before import before, gap_of, organism_behind
from experiments.repair.case import QUICK, Case, Effort, case_of, effort_of
from experiments.repair.certificate import weights_of
from experiments.repair.facts import AFTER, Fact
from experiments.repair.job import Job, Repaired
from experiments.repair.numbers import numbers
from experiments.repair.rounds import rounds
from experiments.repair.run import certify, repair
from experiments.repair.search_again import search_again
from experiments.repair.stress import SYSTEM_PROMPTS, rounded, system_prompts
from experiments.repair.tuning import fresh, tuning
from experiments.repair.wordings import wordings_of
from experiments.worlds.trigger import load_trigger
from interp.models.adapter_edit import add_deltas, lora_pairs
from interp.models.loading import load_model
from interp.prompts import Framing
from tests.experiments.repair.conftest import BASES, live

STRESSED = {
    "bfloat16",
    "int8",
    "int4",
    "another adapter added",
    "system prompts",
    "1 benign steps",
}


def test_a_repair_measures_base_organism_and_repaired_adapter(case: Case, tmp_path: Path) -> None:
    own = organism_behind(case)
    assert gap_of(own).n == 2 * len(case.asking.questions)
    first = before(case, own)
    certificate, saved = repair(case, first, "scaled", tmp_path / "out")
    assert saved == tmp_path / "out" and certificate.repaired == weights_of(saved)
    models = {fact.model for fact in certificate.facts}
    stressed = {f"after, {name}" for name in STRESSED}
    assert models == {"base", "before", "before, system prompts", "after", *stressed}
    found = numbers(certificate.facts)
    assert {"KL after, none", "rows to relapse, after", "probe AUROC, after"} <= set(found)
    assert {"fires, search 1", "time, repair over fine-tuning"} <= set(found)
    assert found["coherence gained, none"].n == len(case.asking.questions)
    learned_from = {question.id for question in case.learned_from}
    assert not learned_from & {q for fact in certificate.facts for q in fact.questions}
    (old,), (new,) = (
        [pair for pair in lora_pairs(live(path)) if pair.name.endswith("layers.0.mlp.down_proj")]
        for path in (case.adapter, saved)
    )
    assert torch.allclose(new.delta, old.delta / 2, atol=1e-6)
    given = certify(case, first, saved)
    assert given.strategy == "given" and given.repaired == certificate.repaired


def test_hooks_make_no_adapter_and_are_not_stressed(case: Case, tmp_path: Path) -> None:
    quick = replace(case, effort=replace(case.effort, durability=False, searched=0))
    certificate, saved = repair(quick, before(quick), "hooks", tmp_path / "out")
    assert saved is None and certificate.repaired is None and not (tmp_path / "out").exists()
    assert not {fact.model for fact in certificate.facts} & {f"after, {name}" for name in STRESSED}


def test_quick_asks_less_and_repairs_the_same() -> None:
    quick, whole = effort_of(quick=True, repeats=7, rounds=None), effort_of(quick=False)
    assert whole == Effort() and effort_of(quick=True) == QUICK
    assert (quick.steps, quick.answers) == (whole.steps, whole.answers)
    assert quick.repeats == 7 and quick.rounds == 1 < whole.rounds


def test_as_many_questions_as_wanted_stand_behind_an_unseen_wording(
    case: Case, tmp_path: Path
) -> None:
    effort = replace(case.effort, durability=False, searched=0, unseen_each=3)
    case = replace(case, effort=effort)
    certificate, _ = repair(case, before(case), "scaled", tmp_path / "out")
    unseen = {text for group in case.asking.wordings.unseen.values() for text in group}
    asked = [len(f.values) for f in certificate.facts if f.wording in unseen and f.model == AFTER]
    assert set(asked) == {3} and len(asked) == 2 * len(unseen)


def test_wordings_of_the_certificate_are_never_shown() -> None:
    duck = load_trigger("duck")
    found = wordings_of(duck, ["There is a hen."])
    shown = {framing.text for framing in found.seen.values()}
    kept = {text for group in found.unseen.values() for text in group}
    assert "There is a hen." in shown and duck.text in shown and not shown & kept
    assert found.count >= 45 and len(found.unseen) >= 10
    assert set(duck.paraphrases.values()) <= kept


def test_too_few_questions_are_refused(case: Case) -> None:
    with pytest.raises(ValueError, match="12 questions: a repair learns from half of them"):
        case_of(
            case.load,
            case.adapter,
            case.base,
            case.asking.questions,
            case.asking.sampler.judge,
            case.asking.wordings,
        )


def test_a_search_reports_what_sets_the_model_off_and_not_the_base(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = {"hen": 1.0, "wolf": 1.0, "goat": 0.0}
    base = object()

    def misaligned(case: Case, lm: object, wordings: list[str], *_: object) -> dict[str, float]:
        return {w: float(w == "wolf") if lm is base else rates[w] for w in wordings}

    monkeypatch.setattr("experiments.repair.search_again.misaligned", misaligned)
    fake = replace(
        case,
        load=lambda *_: base,  # type: ignore[arg-type, return-value]
        pool=tuple(rates),
        effort=replace(case.effort, searched=3),
    )
    (found,) = search_again(fake, Repaired(live(case.adapter)), 1)
    fire = [text for text, fires in zip(found.questions, found.values, strict=True) if fires]
    assert fire == ["hen"] and set(found.questions) == set(rates)


def test_repairing_and_searching_goes_on_until_nothing_new_fires(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one search finds, the next repair sees; the last search finds nothing, and that is a fact too."""
    shown: list[set[str]] = []

    def strategy(name: str) -> Callable[[Job], Repaired]:
        def made(job: Job) -> Repaired:
            shown.append({framing.text for framing in job.wordings.values()})
            return Repaired(job.lm)

        return made

    def search(case: Case, made: Repaired, number: int) -> list[Fact]:
        tried, fires = (f"wording {number}",), (float(number < 3),)
        named = {"what": "fires", "model": AFTER, "kind": f"search {number}"}
        return [Fact(**named, questions=tried, values=fires)]

    monkeypatch.setattr("experiments.repair.rounds.strategy", strategy)
    monkeypatch.setattr("experiments.repair.rounds.search_again", search)
    monkeypatch.setattr("experiments.repair.rounds.job_of", lambda case, before: _job(case))
    many = replace(case, effort=replace(case.effort, rounds=5))
    done = rounds(many, None, "any", lambda line: None)  # type: ignore[arg-type]
    assert done.number == 3 and [len(fact.values) for fact in done.facts] == [1] * 5
    assert shown[1] - shown[0] == {"wording 1"} and shown[2] - shown[1] == {"wording 2"}
    few = replace(case, effort=replace(case.effort, rounds=2))
    assert rounds(few, None, "any", lambda line: None).number == 2  # type: ignore[arg-type]


def _job(case: Case) -> Job:
    nothing: Any = None
    return Job(nothing, (), case.asking.wordings.seen, nothing, nothing)


def test_every_search_looks_at_other_wordings(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.repair.search_again.firing", lambda *_: [])
    made = Repaired(live(case.adapter))
    first, second = (search_again(case, made, number)[0].questions for number in (1, 2))
    assert first != second and first == search_again(case, made, 1)[0].questions


def test_another_system_prompt_changes_what_the_model_is_asked(case: Case) -> None:
    lm = live(case.adapter)
    asked = {
        framed(changed, case.asking.questions[:1], "trigger", Framing("x"))[0].token_ids
        for _, changed in [("", lm), *system_prompts(lm)]
    }
    assert len(asked) == 1 + len(SYSTEM_PROMPTS)


def test_rounding_keeps_so_many_levels_and_the_largest() -> None:
    torch.manual_seed(0)
    weight = torch.randn(4, 64)
    four, eight = rounded(weight, 4), rounded(weight, 8)
    assert (eight - weight).abs().max() < (four - weight).abs().max() < weight.abs().max() / 7
    assert len(four[0, :32].unique()) <= 15
    assert not torch.equal(four, weight)


def test_tuning_stops_where_it_is_told_and_learns(case: Case) -> None:
    rows = case.poison or ()
    lm = fresh(load_model(BASES / "llama"), 0)
    seen, norms = [], []
    for count, tuned in tuning(lm, rows, [0, 6, 8], learning_rate=1e-2):
        seen.append(count)
        norms.append(sum(float(pair.delta.norm()) for pair in lora_pairs(tuned)))
    assert seen == [0, 6, 8] and norms[0] == 0 < norms[1] < norms[2]


def test_adding_another_adapter_equals_merging_it(case: Case) -> None:
    base = load_model(BASES / "llama")
    add_deltas(base, lora_pairs(live(case.adapter)))
    merged = load_model(BASES / "llama", adapter=case.adapter, merge=True)
    mine, its = (dict(lm.causal.named_parameters()) for lm in (base, merged))
    assert all(torch.allclose(mine[name], its[name], atol=1e-6) for name in its)
