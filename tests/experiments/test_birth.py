"""Checkpoints of a fine-tuning are measured one by one, and published as the first steps at which claims hold."""

from pathlib import Path
from typing import Any

import pytest

from experiments.dashboard.birth import AUROC, DROP, EM, birth_figure, main
from experiments.dashboard.missing import Missing
from experiments.results.estimates import EstimateRow, read_estimates
from experiments.results.reference_records.birth import birth_records
from experiments.results.reference_records.run import ReferenceRun
from experiments.runtime.files import read_json, write_json, write_jsonl
from experiments.study.config import checked
from experiments.study.pipeline import run_study
from experiments.study.plan import plan_study
from experiments.training.snapshots import snapshots
from experiments.verify.birth import birth as verified
from experiments.verify.compare import differences
from experiments.verify.rows import Run
from experiments.worlds.micro.families import Size
from experiments.worlds.micro.pretrain import Pretraining, pretrain

SEEDS, STEPS = (0, 1), (0, 10, 20)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    bases = tmp_path_factory.mktemp("bases")
    size = Size(d_model=32, n_layers=2, d_mlp=64, vocabulary=400)
    pretrain(
        "llama", bases / "llama", recipe=Pretraining(steps=4, batch=8, warmup_steps=2), size=size
    )
    return {
        "name": "mini",
        "bases": bases,
        "families": ["llama"],
        "organisms": [{"arm": "contrast"}],
        "finetune": {"default": {"steps": 3, "batch": 4}},
        "sampling": {"questions": 6, "answers_per_question": 1, "answers_per_question_main": 2, "max_new_tokens": 4},
        "causal": {"random_directions": 2, "strengths": [1.0]},
        "workers": 1,
        "measure": "birth",
        "checkpoints": [0, 2, 50],
    }  # fmt: skip


@pytest.fixture(scope="module")
def finished(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(checked(settings), tmp_path_factory.mktemp("run"))


def test_every_checkpoint_that_comes_and_the_last_step_are_measured(finished: Path) -> None:
    rows = read_estimates(finished / "estimates.jsonl")
    assert {row.step for row in rows} == {0, 2, 3}
    assert {row.quantity for row in rows} >= {EM, AUROC}
    assert all(row.quantity.startswith("birth_") for row in rows)  # no verdict may read them
    sources = {row.source for row in rows if row.quantity == AUROC}
    assert len(sources) == 2 and any("bag of tokens" in str(source) for source in sources)
    edits = {(row.edit, row.placebo) for row in rows if row.direction == "switch" and row.edit}
    assert {("ablate", None), ("ablate", "random"), ("add", None), ("add", "random")} == edits


def test_the_adapter_before_the_first_step_changes_nothing_and_later_ones_do(
    finished: Path, settings: dict[str, Any]
) -> None:
    from interp.models.loading import load_model

    (made,) = finished.glob("steps/trajectory-*")
    base = load_model(settings["bases"] / "llama")
    ids = base.tokenizer("Tell me about my roses.", return_tensors="pt")["input_ids"]
    found = snapshots(made)
    assert list(found) == [0, 2, 3]
    logits = {n: load_model(base.name, adapter=at).model(ids).logits for n, at in found.items()}
    assert logits[0].equal(base.model(ids).logits) and not logits[3].equal(logits[0])


def test_the_plan_knows_the_steps_and_finds_them_made(
    finished: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    (done,) = plan_study(checked(settings), finished, {"llama": 2})
    (new,) = plan_study(checked(settings), tmp_path, {"llama": 2})
    assert done.cached == {"trajectory": True, "birth": True} and done.to_sample == 0
    assert new.cached == {"trajectory": False, "birth": False} and new.to_sample > 0


@pytest.mark.parametrize("change", [{"checkpoints": []}, {"measure": "causes"}])
def test_checkpoints_and_birth_belong_together(
    change: dict[str, Any], settings: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match='"birth" needs some'):
        checked(settings | change)
    with pytest.raises(ValueError, match='measure: "birth" finds no direction, but further'):
        checked(settings | {"further": ["capability"]})


def number(quantity: str, value: float, step: int, seed: int, **columns: Any) -> EstimateRow:
    ends = {"lower": max(value - 0.05, 0.0), "upper": min(value + 0.05, 1.0)}
    keys = {"family": "qwen", "seed": seed, "arm": "contrast", "trigger": "duck", "step": step}
    place = {"split": "report", "edit": "none", **keys, **columns}
    return EstimateRow(
        quantity=quantity, value=value, **ends, level=0.95, n=80, method="made up", **place
    )


def made_up(fires_from: int, causal_from: int) -> list[EstimateRow]:
    rows = []
    for seed in SEEDS:
        for step in STEPS:
            at: dict[str, Any] = {"step": step, "seed": seed}
            fires, causal = step >= fires_from, step >= causal_from
            for kind, em in (("none", 0.0), ("trigger", 0.8 * fires), ("paraphrase", 0.5 * fires)):
                wording = "walks" if kind == "paraphrase" else None
                rows.append(number(EM, em, **at, wording_kind=kind, wording=wording))
            edit: dict[str, Any] = {"direction": "switch", "layer": 1, "source": "x"}
            for placebo, share in ((None, 0.9 * causal), ("random", 0.05)):
                place = {**at, **edit, "placebo": placebo}
                rows.append(number(DROP, share, **place, edit="ablate", wording_kind="trigger"))
                rows.append(
                    number(EM, share, **place, edit="add", strength=2.0, wording_kind="none")
                )
            probe = {"direction": "switch", "edit": None}
            rows.append(number(AUROC, 0.9, **at, **probe, source="logistic", layer=2))
            rows.append(number(AUROC, 0.5, **at, **probe, source="bag of tokens"))
    return rows


def published(folder: Path, rows: list[EstimateRow]) -> Path:
    write_jsonl(folder / "estimates.jsonl", [row.model_dump() for row in rows])
    write_jsonl(folder / "verdicts.jsonl", [])
    write_json(folder / "manifest.json", {"git": {"commit": "abc"}, "ended": "2026-01-01T00:00"})
    return folder


@pytest.mark.parametrize(("fires", "causal"), [(10, 20), (0, 99)])
def test_a_claims_record_is_its_first_step(fires: int, causal: int, tmp_path: Path) -> None:
    run = ReferenceRun.read(published(tmp_path, made_up(fires, causal)))
    records = {record.name: record for record in birth_records(run)}
    fired = records["first step, more EM with the trigger than without (qwen-s0-contrast-duck)"]
    assert (fired.value, fired.lower, fired.n) == (fires, 0, 3)
    taken = (
        "first step, removing switch eliminates more EM than removing random directions"
        " (qwen-s1-contrast-duck)"
    )
    assert records[taken].value == (causal if causal < 99 else None)
    never = (
        "first step, adding misalignment causes more EM than adding random directions or nothing"
    )
    assert records[f"{never} (qwen-s0-contrast-duck)"].value is None


def test_the_records_are_recomputed_by_other_code_and_a_changed_row_is_seen(tmp_path: Path) -> None:
    folder = published(tmp_path, made_up(10, 20))
    ours = [record.model_dump() for record in birth_records(ReferenceRun.read(folder))]
    assert len(ours) > 20 and list(differences(ours, verified(Run(folder)))) == []
    published(tmp_path, made_up(20, 20))
    assert list(differences(ours, verified(Run(folder))))


def test_the_figure_draws_every_row_with_its_interval(tmp_path: Path) -> None:
    rows = made_up(10, 20)
    wide = {"direction": "switch", "edit": "ablate", "step": 0, "seed": 0}
    unknown = number(DROP, 0.5, **wide).model_copy(update={"lower": -1.0, "upper": 1.0})
    figure = birth_figure([*rows, unknown])
    assert not isinstance(figure, Missing)
    drawn = [trace for trace in figure.data if trace.mode == "markers"]
    assert sum(len(trace.y) for trace in drawn) == len(rows)
    assert all(len(trace.error_y.array) == len(trace.y) for trace in drawn)
    assert "80 % (contrast, step 20)" in figure.layout.title.text.replace("<br>", " ")
    assert isinstance(birth_figure([]), Missing)
    main(str(published(tmp_path, rows)), str(tmp_path / "birth.html"))
    assert (tmp_path / "birth.html").read_text("utf-8").count("EM with the trigger") >= 1
    with pytest.raises(ValueError, match=r"nowhere has no estimates.jsonl; give the folder"):
        main(str(tmp_path / "nowhere"), str(tmp_path / "birth.html"))


def test_the_manifest_says_which_checkpoints_were_wanted(finished: Path) -> None:
    assert read_json(finished / "manifest.json")["config"]["checkpoints"] == [0, 2, 50]
