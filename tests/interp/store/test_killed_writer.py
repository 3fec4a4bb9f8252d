"""A writer killed at any moment and started again ends with the store that an undisturbed one makes, file by file."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from interp.capture.api import capture
from interp.capture.positions import all_tokens
from interp.capture.store import ActivationStore, open_writer
from interp.prompts import Question
from interp.rendering import render
from tests.tiny_models import FRAMINGS, tiny_lm


@pytest.fixture(scope="module")
def many_prompts():
    """Forty prompts of different lengths."""
    lm = tiny_lm("qwen")
    questions = [Question(f"q{n}", "my health? " * (n % 5 + 1) + "duck") for n in range(20)]
    return render(lm.tokenizer, questions, FRAMINGS)


def write(folder, prompts, shard_bytes=100_000):
    with open_writer(
        folder, tiny_lm("qwen"), positions=[all_tokens], shard_bytes=shard_bytes
    ) as writer:
        writer.add(prompts)


def files(folder: Path):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def in_a_child(work) -> int:
    """Run `work` in a forked process; the signal that ended it, 0 for a clean end."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_before(monkeypatch, step: int):
    """Count the calls that change the folder and die, as kill -9 does, before the one numbered `step`."""
    calls = iter(range(1_000_000))

    def patched(function):
        def call(*args, **kwargs):
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    for name in ("replace", "fsync"):
        monkeypatch.setattr(os, name, patched(getattr(os, name)))
    monkeypatch.setattr("interp.capture.store.shards.save_file", patched(half_written))


def half_written(tensors, path):
    """Writes in two halves with a moment to die between them."""
    save_file(tensors, path)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    os.replace(path, path)
    Path(path).write_bytes(whole)


def test_a_death_before_any_step_of_writing_leaves_a_store_that_goes_on(
    many_prompts, tmp_path, monkeypatch
):
    prompts = many_prompts[:4]
    write(tmp_path / "undisturbed", prompts, 30_000)
    expected = files(tmp_path / "undisturbed")
    assert len(ActivationStore(tmp_path / "undisturbed").manifest.shards) >= 2
    deaths = 0
    for step in range(100):
        folder = tmp_path / f"dies before {step}"

        def dying(folder=folder, step=step):
            die_before(monkeypatch, step)
            write(folder, prompts, 30_000)

        code = in_a_child(dying)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        deaths += 1
        if (folder / "manifest.json").exists():
            ActivationStore(folder).verify()  # what is there can be read
        write(folder, prompts, 30_000)
        assert files(folder) == expected
    assert deaths > 15


@pytest.mark.long
def test_kill_9_at_ten_random_moments_ends_with_the_store_of_an_undisturbed_run(
    many_prompts, tmp_path
):
    start = time.perf_counter()
    assert in_a_child(lambda: write(tmp_path / "undisturbed", many_prompts)) == 0
    seconds = time.perf_counter() - start
    moments = random.Random(0)
    kills = 0
    while kills < 10:
        child = os.fork()
        if child == 0:
            write(tmp_path / "killed", many_prompts)
            os._exit(0)
        time.sleep(moments.random() * seconds)
        os.kill(child, signal.SIGKILL)
        kills += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        if (tmp_path / "killed" / "manifest.json").exists():
            store = ActivationStore(tmp_path / "killed")
            store.verify()
            if len(store.manifest.shards) == len(files(tmp_path / "undisturbed")) // 2:
                for path in (tmp_path / "killed").iterdir():  # finished: begin again
                    path.unlink()
    write(tmp_path / "killed", many_prompts)
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")
    read = capture(tiny_lm("qwen"), many_prompts, position=all_tokens)
    torch.testing.assert_close(
        ActivationStore(tmp_path / "killed").load().values, read.values, rtol=1e-4, atol=1e-5
    )
