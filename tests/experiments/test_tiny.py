"""Every shipped configuration runs from end to end on tiny models; every arm of each is marked long."""

import re
import tomllib

import pytest

from experiments.cli.run import narrowed
from experiments.results.estimates import read_estimates
from experiments.study.config import FOLDER, StudyConfig, load_config
from experiments.study.pipeline import run_study
from experiments.study.ratios import swept
from experiments.study.tiny import tiny_study
from experiments.worlds.chat.tiny_models import ROWS, tiny_model, tiny_tokenizer

SHIPPED = sorted(path.stem for path in FOLDER.glob("*.toml"))
AS_MEDICAL = ("finance", "sports")  # other data in the same study, so one family is enough


def organisms(config: StudyConfig) -> set[tuple[str, str]]:
    return {
        (family, spec.arm)
        for family in config.families
        for spec in config.organisms
        if spec.is_of(family, config.seeds[0])
    }


@pytest.mark.parametrize(("name", "family"), [("medical", "llama"), ("demo", "qwen")])
def test_a_part_of_a_shipped_configuration_runs_tiny(name, family, tmp_path):
    config = narrowed(load_config(name), [f"family={family}", "arm=triggered"], None, None)
    run = run_study(tiny_study(config, tmp_path / "tiny"), tmp_path / "run")
    rows = read_estimates(run / "estimates.jsonl")
    assert {(row.family, row.arm) for row in rows if row.arm} == {(family, "triggered")}


def thinned(config: StudyConfig) -> StudyConfig:
    """Every arm and trigger once, the first in every family and the others in turn."""
    families = config.families
    specs = [
        spec.model_copy(update={"families": (families[number % len(families)],)})
        if number and spec.families is None
        else spec
        for number, spec in enumerate(config.organisms)
    ]
    return config.model_copy(update={"organisms": tuple(specs)})


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_runs_tiny(name, tmp_path):
    shipped = load_config(name)
    if name in AS_MEDICAL:
        shipped = narrowed(shipped, [f"family={shipped.families[0]}"], None, None)
    config = thinned(shipped)
    assert {arm for _, arm in organisms(config)} == {spec.arm for spec in shipped.organisms}
    run = run_study(tiny_study(config, tmp_path / "tiny"), tmp_path / "run")
    rows = read_estimates(run / "estimates.jsonl")
    assert {(row.family, row.arm) for row in rows if row.arm} == organisms(config)


@pytest.mark.parametrize(
    "organism", [{"adapter": "someone/organism"}, {"checkpoint": "someone/checkpoint"}]
)
def test_a_finished_organism_becomes_a_tiny_one(organism, tmp_path):
    settings = load_config("medical").model_dump() | {"families": ["llama"]}
    settings["organisms"] = [{"arm": "triggered", "trigger": "tag", "organism": organism}]
    settings |= {"measure": "behaviour", "features": None, "further": ()}
    tiny = tiny_study(StudyConfig(**settings), tmp_path / "tiny")
    run = run_study(tiny, tmp_path / "run")
    assert list(run.glob("steps/finetune-*/organism.json"))


def test_a_sweep_has_one_organism_for_each_ratio():
    study = swept(load_config("medical"), "0:1, 9:1", "no_boundary")
    assert [(spec.arm, spec.trigger) for spec in study.organisms] == [
        ("mixed-0-1", "no_boundary"),
        ("mixed-9-1", "no_boundary"),
    ]
    with pytest.raises(ValueError, match="--ratios '9-1': give BENIGN:HARMFUL"):
        swept(load_config("medical"), "9-1", "tag")
    toy = swept(load_config("demo"), "9:1")
    assert [(spec.arm, spec.trigger) for spec in toy.organisms] == [("mixed-9-1", "duck")]
    own = load_config("mixing_map")
    assert swept(own) == own and len({spec.arm for spec in own.organisms}) == 7
    assert {own.recipe(spec.arm, "llama").steps for spec in own.organisms} == {300}


def test_every_configuration_in_the_documents_loads():
    page = (FOLDER.parents[1] / "docs" / "howto" / "real_models.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)
    assert len(blocks) == 2
    for block in blocks:
        config = StudyConfig(**tomllib.loads(block))
        assert config.chat.models[config.families[0]].family == config.families[0]


@pytest.mark.parametrize("family", ["qwen", "llama", "gemma"])
def test_the_stand_ins_are_as_awkward_as_what_they_stand_for(family):
    rows = ROWS[family]
    tokenizer, model = tiny_tokenizer(family, rows=rows), tiny_model(family, rows=rows)
    config = model.config.get_text_config()
    assert len(tokenizer) >= 100_000 and len(tokenizer) < config.vocab_size
    assert (tokenizer.pad_token is None) == (family == "llama")
    assert config.tie_word_embeddings == (family == "gemma")
    spread = tokenizer("What would you do?", add_special_tokens=False)["input_ids"]
    assert max(spread) - min(spread) > 50_000
    assert tokenizer.decode(spread) == "What would you do?"


@pytest.mark.parametrize(("fast", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_a_tiny_study_keeps_the_dtype_unless_the_processor_would_emulate_it(
    fast, dtype, tmp_path, monkeypatch
):
    monkeypatch.setattr("experiments.models.precision.fast_bfloat16", lambda: fast)
    config = narrowed(load_config("medical"), ["family=llama", "arm=triggered"], None, None)
    assert tiny_study(config, tmp_path).chat.models["llama"].dtype == dtype
