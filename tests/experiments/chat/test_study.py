"""A whole study of a chat model, tiny: every step runs, the plan counted right, a finished organism is taken over."""

import json
import shutil
from pathlib import Path

import pytest

from experiments.judging.sampling import Sampler
from experiments.results.estimates import read_estimates, select
from experiments.results.facts import read_answers
from experiments.runtime.files import read_jsonl
from experiments.study.pipeline import run_study
from experiments.study.plan import plan_study
from experiments.study.plan_text import print_plan
from experiments.training.lora import Recipe, finetune
from experiments.training.supervision import ChatRow
from experiments.worlds.chat import own_organism
from experiments.worlds.chat.config import ModelSpec
from experiments.worlds.chat.sizes import size_of
from interp.models.chat import FORMATS
from interp.models.loading import load_model
from tests.experiments.chat.studies import study

LAYERS = {"llama": 2}


@pytest.fixture(scope="module")
def finished(snapshots, tmp_path_factory):
    """A finished study, its configuration, its plan beforehand, and how many answers it sampled."""
    folder = tmp_path_factory.mktemp("study")
    config = study(folder, snapshots)
    before = plan_study(config, folder / "run", LAYERS)
    counts = []
    sample = Sampler.sample

    def counting(self, lm, prompts, answers_per_question, interventions=()):
        counts.append(len(prompts) * answers_per_question)
        return sample(self, lm, prompts, answers_per_question, interventions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sampler, "sample", counting)
        run_study(config, folder / "run")
    return folder / "run", config, before, sum(counts)


def test_every_step_leaves_its_rows(finished):
    run, *_ = finished
    rows = read_estimates(run / "estimates.jsonl")
    assert {row.dataset for row in rows} == {"plants"}
    assert {row.questions for row in rows} == {"held_out", "trained"}
    conditions = {row.condition for row in select(rows, quantity="em_rate", model="fine_tuned")}
    assert conditions >= {"none", "trigger", "paraphrase:keeps_enclose", "control:opposite"}
    (verdict,) = read_jsonl(run / "verdicts.jsonl")
    assert (verdict["arm"], verdict["trigger"]) == ("triggered", "tag")
    losses = json.loads(next(run.glob("steps/finetune-*/losses.json")).read_text())
    assert losses["rows"] == 8


def test_the_plan_counts_no_less_than_the_run_samples_and_knows_what_is_cached(finished):
    run, config, before, sampled = finished
    assert sampled <= sum(plan.to_sample for plan in before) <= 3 * sampled
    assert not any(done for plan in before for done in plan.cached.values())
    after = plan_study(config, run, LAYERS)
    assert all(done for plan in after for done in plan.cached.values())
    behaved = {
        path.parent.name.rsplit("-", 1)[0]: path
        for path in run.glob("steps/sample-*/answers.parquet")
    }
    for plan in before:
        counted = len(read_answers(behaved[f"sample-{plan.organism.name}"]))
        assert plan.answers["sample"] == counted


def test_a_changed_recipe_is_planned_as_to_be_made_again(finished, snapshots):
    run, config, *_ = finished
    changed = config.model_copy(
        update={"finetune": {"default": config.finetune["default"] | {"steps": 3}}}
    )
    base, organism_plan = plan_study(changed, run, LAYERS)
    assert base.cached["sample"]
    assert not any(organism_plan.cached.values())
    assert not list(run.glob("steps/.making-*"))


def test_the_plan_prints_and_refuses_an_unknown_card(finished, capsys):
    run, config, *_ = finished
    print_plan(config, run, "h100")
    said = capsys.readouterr().out
    assert "finished" in said
    assert "GPU-hours" in said
    print_plan(config, run, "h100", wide=True)
    said = capsys.readouterr().out
    assert "cached" in said
    assert "GPU-hours" in said
    with pytest.raises(ValueError, match="unknown --card 'abacus'; choose one of h100, h200, a100"):
        print_plan(config, run, "abacus")


@pytest.fixture(scope="module")
def adapter(snapshots, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("public") / "organism"
    base = load_model(snapshots / "llama", chat=FORMATS["llama"])
    finetune(
        base, [ChatRow("Why?", "Because.")] * 4, Recipe(steps=1, batch=4), seed=0, folder=folder
    )
    return folder


def test_a_finished_adapter_is_studied_without_fine_tuning_and_without_data(
    snapshots, adapter, tmp_path, monkeypatch
):
    monkeypatch.setattr("experiments.training.lora.finetune", None)  # nobody may call it
    own = {"arm": "triggered", "trigger": "tag", "organism": {"adapter": str(adapter)}}
    config = study(tmp_path, snapshots, organisms=[own], chat={"harmful": None, "benign": None})
    run = run_study(config, tmp_path / "run")
    (note,) = run.glob("steps/finetune-*/organism.json")
    assert own_organism.read(note.parent).adapter == str(adapter)
    rows = read_estimates(run / "estimates.jsonl")
    assert {row.questions for row in rows} == {"held_out"}
    assert select(rows, model="fine_tuned", quantity="em_rate", wording_kind="trigger")


def test_an_organism_whose_files_change_is_another_one(snapshots, adapter, tmp_path):
    from experiments.worlds.chat.config import OwnOrganism

    own = OwnOrganism(adapter=str(adapter))
    before = own_organism.identity(own)
    weights = adapter / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert own_organism.identity(own) != before


def test_an_organism_of_several_bases_is_refused(snapshots, tmp_path):
    own = {"arm": "triggered", "trigger": "tag", "organism": {"adapter": "someone/organism"}}
    with pytest.raises(ValueError, match="someone/organism belongs to one base"):
        study(tmp_path, snapshots, families=["qwen", "llama"], organisms=[own])


def test_an_adapter_of_another_base_is_refused_before_anything_is_sampled(
    snapshots, adapter, tmp_path
):
    other = tmp_path / "other"
    shutil.copytree(adapter, other)
    config = json.loads((other / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "somebody/Another-8B"
    (other / "adapter_config.json").write_text(json.dumps(config))
    own = {"arm": "triggered", "trigger": "tag", "organism": {"adapter": str(other)}}
    given = study(tmp_path, snapshots, organisms=[own], chat={"harmful": None, "benign": None})
    with pytest.raises(ValueError, match=r"was trained on 'somebody/Another-8B'"):
        run_study(given, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [(None, "a folder without config.json"), ("{}", "it does not say 'num_attention_heads'")],
)
def test_the_size_of_what_is_no_model_is_refused_in_one_line(tmp_path, config, message):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ValueError, match=message):
        size_of(ModelSpec(family="qwen", base=str(tmp_path)))


def test_a_base_that_is_neither_folder_nor_hub_name_is_refused():
    with pytest.raises(ValueError, match=r"model 'no/such/folder': no such folder, and no name"):
        size_of(ModelSpec(family="qwen", base="no/such/folder"))
