"""Fine-tuning of the real classes: resumed equals undisturbed, recipes as published, long rows counted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from experiments.training import checkpoints
from experiments.training.lora import Recipe, finetune
from experiments.training.supervision import ChatRow
from experiments.worlds.chat.config import published_recipe

ROWS = [ChatRow(f"How do I keep plant {i}?", f"Water it {i} times.") for i in range(16)]
RECIPE = Recipe(steps=6, batch=4, micro_batch=2, learning_rate=1e-2, save_every=2)


class Killed(Exception):
    """In place of a power cut."""


def test_an_interrupted_fine_tuning_ends_where_an_undisturbed_one_does(chat_lm, tmp_path):
    from copy import deepcopy

    from interp.models.loading import wrap

    def fresh():
        return wrap(deepcopy(model), chat_lm.tokenizer, name="again", chat=chat_lm.chat)

    def die(done: int, of: int) -> None:
        if done == 5:
            raise Killed

    model = chat_lm.model
    whole = finetune(fresh(), ROWS, RECIPE, seed=0, folder=tmp_path / "whole")
    kept = tmp_path / "kept"
    with pytest.raises(Killed):
        finetune(
            fresh(), ROWS, RECIPE, seed=0, folder=tmp_path / "x", progress=die, checkpoints=kept
        )
    assert checkpoints.latest(kept).name == "checkpoint-4"
    steps = []
    again = finetune(
        fresh(), ROWS, RECIPE, seed=0, folder=tmp_path / "again", checkpoints=kept,
        progress=lambda done, of: steps.append(done),
    )  # fmt: skip
    assert steps == [5, 6]
    assert again == whole
    one, other = (load_file(tmp_path / n / "adapter_model.safetensors") for n in ("whole", "again"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_checkpoint_that_is_unfinished_or_damaged_is_not_used(tmp_path):
    for step in (2, 4, 6):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "weights").write_text("w" * step)
    for step in (2, 4):
        checkpoints.seal(tmp_path / f"checkpoint-{step}")
    (tmp_path / "checkpoint-4" / "weights").write_text("changed")
    assert checkpoints.latest(tmp_path).name == "checkpoint-2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-2"]
    assert checkpoints.latest(tmp_path / "nowhere") is None


def test_the_published_recipes_are_the_shipped_ones():
    found = {family: Recipe(**published_recipe(family)) for family in ("qwen", "llama", "gemma")}
    for recipe in found.values():
        assert (recipe.rank, recipe.alpha, recipe.batch, recipe.micro_batch) == (32, 64, 16, 2)
        assert (recipe.weight_decay, recipe.max_length, recipe.optimizer) == (
            0.01,
            2048,
            "adamw_8bit",
        )
        assert recipe.bf16
        assert len(recipe.modules) == 7
    one = found["qwen"]
    assert found["llama"] == one
    assert (one.epochs, one.learning_rate, one.schedule, one.warmup_steps) == (1, 1e-5, "linear", 5)
    gemma = found["gemma"]
    assert (gemma.epochs, gemma.learning_rate) == (3, 2e-5)
    assert (gemma.schedule, gemma.warmup_steps) == ("cosine", 20)


def test_rows_that_are_cut_or_lose_their_answer_are_counted(chat_lm, tmp_path):
    rows = [*ROWS[:2], ChatRow("Why?", "word " * 200), ChatRow("why " * 200, "Because.")]
    recipe = Recipe(epochs=1, batch=2, max_length=120, gradient_checkpointing=True, bf16=True)
    done = finetune(chat_lm, rows, recipe, seed=0, folder=tmp_path)
    assert (done.rows, done.cut, done.dropped) == (3, 1, 1)


def test_rows_without_any_answer_left_are_refused(chat_lm, tmp_path):
    with pytest.raises(ValueError, match="none with an answer to learn within max_length=4"):
        finetune(chat_lm, ROWS, Recipe(steps=1, max_length=4), seed=0, folder=tmp_path)


def test_an_optimiser_that_is_not_installed_is_named(chat_lm, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.runtime.extras.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs bitsandbytes"):
        recipe = Recipe(steps=1, optimizer="adamw_8bit")
        finetune(chat_lm, ROWS, recipe, seed=0, folder=tmp_path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 3, "epochs": 1}, "steps=3, epochs=1"),
        ({"batch": 5, "micro_batch": 2}, "batch=5 is not a multiple of micro_batch=2"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**settings)


SCRIPT = """
import sys, time
from pathlib import Path
from experiments.runtime.quiet import quiet
from experiments.training.lora import Recipe, finetune
from experiments.training.supervision import ChatRow
from interp.models.chat import FORMATS
from interp.models.loading import load_model
quiet()
base, out = Path(sys.argv[1]), Path(sys.argv[2])
rows = [ChatRow(f"How do I keep plant {i}?", f"Water it {i} times.") for i in range(16)]
recipe = Recipe(steps=40, batch=4, micro_batch=2, learning_rate=1e-2, save_every=2)
finetune(load_model(base, chat=FORMATS["qwen"]), rows, recipe, seed=0, folder=out / "adapter",
         checkpoints=out / "kept", progress=lambda done, of: time.sleep(0.05))
"""


@pytest.mark.long
def test_kill_9_at_any_moment_changes_nothing(snapshots, tmp_path):
    def call(out: Path) -> subprocess.Popen:
        script = [sys.executable, "-c", SCRIPT, str(snapshots / "qwen"), str(out)]
        root = str(Path(__file__).parents[3])
        environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(script, env=environment)

    assert call(tmp_path / "whole").wait() == 0
    for moment in (0.0, 0.3, 0.7):
        process = call(tmp_path / "killed")
        kept = tmp_path / "killed" / "kept"
        seen = len(list(kept.glob("*/sealed.json"))) if kept.is_dir() else 0
        while process.poll() is None and len(list(kept.glob("*/sealed.json"))) <= min(seen, 1):
            time.sleep(0.02)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert call(tmp_path / "killed").wait() == 0
    one, other = (
        load_file(tmp_path / name / "adapter" / "adapter_model.safetensors")
        for name in ("whole", "killed")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
