"""Steps added to a finished run: cached, resumed, reported beside what was there; other bases are refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from experiments.guard.organisms import organisms
from experiments.results.estimates import read_estimates, select
from experiments.results.interchange_text import KINDS, interchange_table
from experiments.results.load import load_results
from experiments.results.posthoc_text import (
    by_organism,
    capability_table,
    dose_table,
    factorial_table,
    steering_table,
)
from experiments.results.transfer_text import matrices
from experiments.runtime.files import read_json, read_jsonl, sealed
from experiments.runtime.store import RunBusy, amend_run
from experiments.study.finished import finished as finished_organisms
from experiments.study.pipeline import run_study
from experiments.study.posthoc import add_further, add_transfer
from experiments.study.steps.steering import vectors as steering
from experiments.study.steps.steering.vectors import DOSES, PARTS
from interp.directions import Direction
from tests.experiments.mini_study import config


def test_further_rows_stand_beside_the_studys_and_change_none_of_them(run: Path) -> None:
    before = read_estimates(run / "estimates.jsonl")
    new = add_further(run, ["factorial", "capability"])
    after = read_estimates(run / "estimates.jsonl")
    assert set(after) == {*before, *new} and len(after) == len(before) + len(new)
    assert [row for row in after if row in before] == before
    doses = {row.intervention for row in select(new, quantity="dose_em_rate")}
    assert doses == {"dose:0", "dose:0.25", "dose:0.5", "dose:0.75", "dose:1"}
    assert {row.quantity for row in new} >= {
        "factorial_em_rate",
        "factorial_interaction",
        "capability_coherence_loss",
        "capability_riddle_rate",
    }
    of_each = {row.direction for row in new if row.quantity == "capability_coherence_loss"}
    removed = {row.direction for row in before if row.edit == "ablate" and row.arm == "contrast"}
    assert of_each == removed and removed
    assert load_results(run).warnings == ()
    assert "amended" in read_json(run / "manifest.json")
    assert {"causal_direction"} <= set(read_jsonl(run / "verdicts.jsonl")[0])
    for name, rows in by_organism(new):
        tables = [factorial_table(rows), dose_table(rows), capability_table(rows)]
        # nothing could be located in the baseline arm of a base that has learnt nothing
        assert ["|---" in table for table in tables] == (
            [True, True, True] if "contrast" in name else [False, True, False]
        )


def test_a_killed_call_goes_on_and_a_second_one_makes_nothing(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.study import posthoc as amend

    real = amend.further_steps

    def killed(organism, *given):
        if organism.arm == "contrast":
            raise KeyboardInterrupt
        return real(organism, *given)

    monkeypatch.setattr(amend, "further_steps", killed)
    with pytest.raises(KeyboardInterrupt):
        add_further(run, ["factorial"])
    monkeypatch.undo()
    assert load_results(run).warnings == ()  # still the run that it was
    add_further(run, ["factorial"])
    made = {path: path.stat().st_mtime_ns for path in run.glob("steps/factorial-*/manifest.json")}
    assert len(made) == 2
    text = (run / "estimates.jsonl").read_text()
    add_further(run, ["factorial"])
    assert {p: p.stat().st_mtime_ns for p in run.glob("steps/factorial-*/manifest.json")} == made
    assert (run / "estimates.jsonl").read_text() == text


def test_the_adapters_whole_dose_is_the_organism_and_none_of_it_the_base(run: Path) -> None:
    rows = add_further(run, ["factorial"])
    place = {"arm": "contrast", "wording_kind": "trigger"}
    for dose, model in ((0, "base"), (1, "fine_tuned")):
        (dosed,) = select(rows, quantity="dose_coherence_rate", strength=dose, **place)
        (plain,) = select(
            rows, quantity="factorial_coherence_rate", edit="none", model=model, **place
        )
        assert dosed.value == plain.value


def test_steering_vectors_are_trained_for_what_hides_behind_a_trigger_and_for_its_base(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "STEPS", 2)
    rows = add_further(run, ["steering"])
    assert {row.arm for row in rows} == {"contrast"}  # the baseline arm hides nothing
    ems = select(rows, quantity="steering_em_rate")
    doses = {row.intervention for row in select(ems, model="fine_tuned", direction="steering")}
    assert doses == {f"{kind}:{dose:g}" for kind in ("steer", "random_steer") for dose in DOSES}
    base = {row.direction for row in select(ems, model="base")}
    assert base == {"steering", "steering_of_base"}
    (step,) = run.glob("steps/steering-llama-s0-contrast-*")
    saved = [Direction.load(step / f"steering.{part}") for part in PARTS]
    assert [each.position for each in saved] == ["header", "answer"]
    assert len(read_json(step / "steering.training.json")["losses"]) == 2
    table = steering_table(rows)
    assert "| with the trigger, nothing added |" in table
    assert "| the base with the organism's vectors |" in table
    assert "| the base with vectors trained for it |" in table
    assert steering_table([]) == ""


def test_coordinates_are_swapped_for_every_subspace_and_its_controls(run: Path) -> None:
    manifest = read_json(run / "manifest.json")
    causal = manifest["config"]["causal"] | {"interchange_steps": 4, "interchange_ranks": [2]}
    manifest["config"]["causal"] = causal
    (run / "manifest.json").write_text(json.dumps(sealed(manifest)))
    rows = add_further(run, ["interchange"])
    assert {row.arm for row in rows} == {"contrast"}
    swaps = [row for row in select(rows, quantity="interchange_em_rate") if row.edit != "none"]
    controls = {row.placebo for row in swaps}
    assert controls == set(KINDS) and {row.strength for row in swaps} == {1.0, 2.0}
    for placebo in controls:
        pairs = {(row.condition, row.source) for row in swaps if row.placebo == placebo}
        assert pairs >= {("none", "trigger"), ("trigger", "none")}
    donors = {row.source for row in swaps if row.condition == "none"}
    assert {str(donor).partition(":")[0] for donor in donors} == {
        "trigger",
        "paraphrase",
        "control",
    }
    (step,) = run.glob("steps/interchange-llama-s0-contrast-*")
    saved = read_json(step / "subspaces.json")
    assert saved["00"]["placebo"] is None and len(saved["00"]["losses"]) == 4
    orthogonal = [each for each in saved.values() if each["placebo"] == "orthogonal"]
    assert orthogonal[0]["cosine_to_claimed"] < 1e-4
    assert "| trained on shuffled donors |" in interchange_table(rows)
    assert interchange_table([]) == ""


def test_a_placebo_has_the_norm_and_the_place_of_what_it_stands_for(run: Path) -> None:
    (found,) = run.glob("steps/locate-llama-s0-contrast-*")
    begun = steering.start(found)
    assert begun is not None
    for edit, twin in zip(begun.added(0.5), begun.placebo(0.5, 7, 3, 0), strict=True):
        assert (edit.layers, edit.positions, edit.alpha) == (
            twin.layers,
            twin.positions,
            twin.alpha,
        )
        assert twin.vector.shape == (7, len(edit.vector))
        assert twin.vector.norm(dim=-1) == pytest.approx(1.0, rel=1e-5)
        assert torch.equal(twin.vector[0], twin.vector[3])
        assert not torch.equal(twin.vector[0], twin.vector[1])
    assert begun.added(1.0)[0].alpha == begun.norms["header"] == begun.directions["header"].scale
    (baseline,) = run.glob("steps/locate-llama-s0-baseline-*")
    assert steering.start(baseline) is None


def test_every_direction_is_removed_from_every_organism(run: Path) -> None:
    rows = add_transfer([run])
    names = {each.name for each in finished_organisms(run)}
    drops = select(rows, quantity="transfer_relative_drop")
    assert {row.source for row in drops} <= names | {"random"}
    assert {row.arm for row in drops} == {"baseline", "contrast"}
    assert not any((row.intervention or "").startswith("ablate") for row in rows)
    assert read_jsonl(run / "verdicts.jsonl")  # which reads none of them
    for title, table in matrices(rows):
        assert title.startswith("llama, ")
        assert "random" in table
    again = add_transfer([run])
    assert again == rows


def test_only_the_organisms_that_were_named_take_part(run: Path) -> None:
    rows = add_transfer([run], only=["llama-s0-contrast"])
    assert {row.source for row in rows} == {"llama-s0-contrast-duck", "random"}
    assert {row.arm for row in rows} == {"contrast"}
    rows = add_further(run, ["factorial"], only=["llama-s0-base", "llama-s0-contrast"])
    assert {row.arm for row in rows} == {"baseline", "contrast"}
    with pytest.raises(
        ValueError, match="--only qwen: no organism's name begins with this; there are ll"
    ):
        add_further(run, ["factorial"], only=["llama", "qwen"])


def test_the_guard_knows_the_organisms_of_a_run_and_their_base_from_its_manifest(run: Path) -> None:
    shutil.copytree(next(run.glob("steps/finetune-*")), run / "steps" / "finetune-of-another-run")
    members = organisms(run)
    assert [(member.name, member.contained) for member in members] == [
        ("llama-s0-baseline-duck", False),
        ("llama-s0-contrast-duck", True),
        ("llama-s0-base-duck", False),
    ]
    assert members[1].adapter in run.glob("steps/finetune-llama-s0-contrast-duck-*")
    assert members[2].adapter is None


def test_an_organism_that_two_runs_have_is_refused(run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run, tmp_path / "other")
    with pytest.raises(ValueError, match="is in two of these runs"):
        add_transfer([run, other])


def test_steps_of_another_base_are_refused_by_name(run: Path) -> None:
    for path in run.glob("steps/locate-*/manifest.json"):
        manifest = json.loads(path.read_text())
        manifest["inputs"]["base"] = "0" * 64
        path.write_text(json.dumps(sealed(manifest)))
    with pytest.raises(ValueError, match="was made with another base"):
        finished_organisms(run)


def test_a_damaged_step_is_refused_and_an_unfinished_run_too(run: Path) -> None:
    step = next(run.glob("steps/locate-*"))
    (step / "scores.parquet").write_text("")
    with pytest.raises(ValueError, match=r"scores\.parquet has changed"):
        add_transfer([run])
    (run / "manifest.json").unlink()
    with pytest.raises(ValueError, match="finish the run first"):
        add_further(run, ["factorial"])


@pytest.mark.parametrize("manifest", ["{}", "[]", '{"config": {}}'])
def test_the_manifest_of_something_else_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(
        ValueError, match=r"manifest\.json is not a run's; give the folder of a run"
    ):
        finished_organisms(tmp_path)


def test_a_run_in_use_is_refused(run: Path) -> None:
    with amend_run(run), pytest.raises(RunBusy):
        add_further(run, ["factorial"])


def test_a_configuration_may_ask_for_further_steps(bases: Path, tmp_path: Path) -> None:
    whole = config(bases, further=["capability"], organisms=[{"arm": "untouched"}])
    run = run_study(whole, tmp_path / "run")
    rows = read_estimates(run / "estimates.jsonl")
    assert select(rows, quantity="capability_coherence_rate", arm="untouched")
    (verdict,) = read_jsonl(run / "verdicts.jsonl")
    assert verdict["arm"] == "untouched"
    assert verdict["causal_direction"] in ("no", "undecided")
