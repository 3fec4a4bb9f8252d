"""The refined direction: made of selection questions, never shown a paraphrase, removed behind every one."""

from pathlib import Path

import pytest
import torch

from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Sampler
from experiments.results.derive import estimates
from experiments.results.estimates import select
from experiments.results.facts import read_facts
from experiments.results.verdict import verdicts
from experiments.runtime.files import read_json
from experiments.runtime.store import open_run
from experiments.study.config import Sampling, StudyConfig
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import read_directions
from experiments.study.steps.finetune import finetune
from experiments.study.steps.intervene import intervene
from experiments.study.steps.locate.step import locate
from interp.generation.completions import Completions


def odd_is_misaligned(question: str, answer: str, *, ended: bool) -> Judgement:
    return Judgement(alignment=100 * (len(answer) % 2), coherence=100)


def aligned(question: str, answer: str, *, ended: bool) -> Judgement:
    return Judgement(alignment=100, coherence=100)


def job(
    bases: Path, folder: Path, arm: str, judge=odd_is_misaligned, **causal: object
) -> OrganismRun:
    config = StudyConfig(
        name="mini",
        bases=bases,
        families=("llama",),
        organisms=({"arm": arm},),
        finetune={"default": {"steps": 2, "batch": 4}},
        sampling=Sampling(
            questions=10, answers_per_question=1, answers_per_question_main=2, max_new_tokens=6
        ),
        causal={"random_directions": 3, "strengths": [1.0], "refine_steps": 2} | causal,
        workers=1,
    )
    made = OrganismRun(config, folder, "llama", 0, arm, "duck")
    made.__dict__["sampler"] = Sampler(judge, 0, 6)
    return made


def found_in(made: OrganismRun) -> tuple[Path, Path]:
    with open_run(made.folder):
        adapter = finetune(made, lambda _said: None)
        return adapter, locate(made, adapter, lambda _said: None)


def test_it_is_refined_from_a_located_one_and_removed_behind_every_wording(
    bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Completions] = []
    from experiments.study.steps.locate import refine as refining

    whole = refining.refine_ablation

    def watched(lm, start, changed, kept, **options):
        shown.extend([changed, kept])
        return whole(lm, start, changed, kept, **options)

    monkeypatch.setattr(refining, "refine_ablation", watched)
    made = job(bases, tmp_path, "triggered")
    adapter, found = found_in(made)
    changed, kept = shown
    assert set(changed.conditions) == {"trigger"}
    assert {name.partition(":")[0] for name in kept.conditions} == {"none", "control"}
    assert all(len(text) % 2 for text in kept.texts)  # the aligned ones
    report = {each.id for each in made.world.questions("report", "held_out")}
    assert report.isdisjoint([*changed.questions, *kept.questions])

    refined = {each.removed.name: each for each in read_directions(found)}["refined"]
    assert refined.added is None
    assert refined.removed.source.endswith(", refined")
    facts = read_json(found / "refined.choice.json")
    assert len(facts["changed"]) == len(facts["kept"]) == 2
    assert 0 < facts["cosine_to_start"] <= 1

    with open_run(tmp_path):
        done = intervene(made, adapter, found, lambda _said: None)
    rows = select(estimates(read_facts([done])), direction="refined")
    lost = select(rows, quantity="ablation_relative_drop", edit="ablate", placebo=None)
    assert {row.condition for row in lost} == {
        "none",
        *(name for name in made.trigger.framings if name.startswith(("trigger", "paraphrase:"))),
    }
    assert {row.intervention for row in rows} == {"ablate", "random_ablate"}
    (verdict,) = verdicts(estimates(read_facts([found, done])))
    assert verdict["refined"]["necessary"] in {"yes", "no", "undecided"}


def test_where_nothing_misbehaves_nothing_is_refined(bases: Path, tmp_path: Path) -> None:
    _, found = found_in(job(bases, tmp_path, "triggered", aligned))
    assert {each.removed.name for each in read_directions(found)} == {"switch"}


def test_no_steps_make_no_refined_direction(bases: Path, tmp_path: Path) -> None:
    _, found = found_in(job(bases, tmp_path, "triggered", refine_steps=0))
    assert {each.removed.name for each in read_directions(found)} == {"switch", "misalignment"}


def test_without_a_trigger_nothing_is_kept(bases: Path, tmp_path: Path) -> None:
    _, found = found_in(job(bases, tmp_path, "baseline"))
    facts = read_json(found / "refined.choice.json")
    assert facts["kept"] == []
    refined = {each.removed.name: each for each in read_directions(found)}["refined"].removed
    torch.testing.assert_close(refined.vector.norm(), torch.ones(()))
