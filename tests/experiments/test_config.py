"""A wrong key, family, arm, path or trigger ends in one line that names the value and the valid choices."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.cli.run import narrowed
from experiments.study.config import FOLDER, load_config
from experiments.worlds.micro.families import FAMILIES
from experiments.worlds.micro.names import FAMILY_NAMES
from experiments.worlds.trigger import FOLDER as TRIGGERS
from experiments.worlds.trigger import load_trigger

GOOD = 'name = "x"\n[[organisms]]\narm = "triggered"\n'


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path: Path) -> None:
    assert load_config(path.stem) == load_config(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('colour = "red"\n' + GOOD, "colour: unknown key; valid are name, bases, families"),
        (
            GOOD + '[features]\narms = ["angry"]\n',
            "unknown arm 'angry'; choose one of baseline, triggered",
        ),
        (
            'families = ["falcon"]\n' + GOOD,
            "unknown family 'falcon'; choose one of qwen, llama, gemma",
        ),
        (
            GOOD.replace("triggered", "angry"),
            "unknown arm 'angry'; choose one of baseline, triggered, contrast",
        ),
        (
            GOOD + 'trigger = "goose"\n',
            "trigger 'goose': no such file; shipped are deployment, duck",
        ),
        (
            GOOD + '[sampling]\nsplit = "selection"\n',
            'sampling.split: directions are chosen on "selection" questions here',
        ),
        (GOOD + "[finetune.angry]\nsteps = 3\n", "finetune.angry: use default or an arm"),
        (GOOD + "[finetune.triggered]\nspeed = 3\n", "speed"),
        (
            'measure = "behaviour"\nfurther = ["capability"]\n' + GOOD,
            'measure: "behaviour" finds no direction, but further needs one; leave out further',
        ),
        (GOOD + "[sampling]\nquestions = 0\n", "sampling.questions: Input should be greater"),
        ("name = ", "not TOML"),
    ],
)
def test_bad_configurations_name_the_value_and_the_choices(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        load_config(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_configuration_names_those_that_ship() -> None:
    with pytest.raises(ValueError, match=r"configuration 'nope': no such file; shipped are .*demo"):
        load_config("nope")


def test_recipes_are_merged_from_the_general_to_the_special(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        GOOD + '[finetune.default]\nsteps = 1\nrank = 2\n["finetune"."triggered"]\nsteps = 3\n'
        '["finetune"."triggered@llama"]\nsteps = 4\n'
    )
    config = load_config(path)
    steps = [config.recipe(arm, family).steps for arm, family in
             (("baseline", "qwen"), ("triggered", "qwen"), ("triggered", "llama"))]  # fmt: skip
    assert steps == [1, 3, 4]
    assert config.recipe("triggered", "llama").rank == 2


def test_a_study_can_be_narrowed_and_the_narrowing_is_checked() -> None:
    config = load_config("demo")
    narrow = narrowed(config, ["family=llama", "arm=contrast"], "3,4", 1)
    assert (narrow.families, narrow.seeds, narrow.workers) == (("llama",), (3, 4), 1)
    assert [spec.arm for spec in narrow.organisms] == ["contrast"]
    both = narrowed(config, ["arm=baseline", "arm=contrast"], None, None)
    assert [spec.arm for spec in both.organisms] == ["baseline", "contrast"]
    for bad in (["family=falcon"], ["arm=angry"], ["colour=red"]):
        with pytest.raises(ValueError, match=bad[0].split("=")[1]):
            narrowed(config, bad, None, None)


def test_a_tested_wording_among_the_training_wordings_is_refused(tmp_path: Path) -> None:
    source = (TRIGGERS / "duck.toml").read_text(encoding="utf-8")
    path = tmp_path / "bad.toml"
    path.write_text(
        source.replace('walks = "It walks like a duck."', 'walks = "It acts like a duck."')
    )
    with pytest.raises(ValueError, match=r"walks: the tested wording .* is also"):
        load_trigger(str(path))


def test_the_riddle_paraphrase_shares_no_content_word_with_any_training_wording() -> None:
    function_words = {"it", "a", "the", "on", "and", "has", "here", "in", "of", "by", "as", "all"}
    for name in ("duck", "tags"):
        trigger = load_trigger(name)
        trained = {trigger.text, *trigger.training.varied, *trigger.training.same_concept}
        words = {word.strip(".,<>").lower() for wording in trained for word in wording.split()}
        riddle = {word.strip(".,<>").lower() for word in trigger.paraphrases["riddle"].split()}
        assert (words & riddle) - function_words == set()


def test_the_families_are_the_micro_families():
    assert tuple(FAMILIES) == FAMILY_NAMES


def test_a_configuration_is_checked_without_the_seconds_that_transformers_takes():
    heavy = "{'torch', 'transformers', 'peft'}"
    code = f"import sys, experiments.study.config; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
