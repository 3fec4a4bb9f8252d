"""Every command that loads a model takes the GPU that is there, can be told otherwise, and says what it chose."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.guard import gate_models
from experiments.models.options import ModelOptions, described
from experiments.runtime.files import write_jsonl
from interp.models.chat import FORMATS

MICRO = "artifacts/micro/qwen"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


def test_without_a_gpu_it_is_the_cpu_in_float32() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert ModelOptions().placed == {"device_map": None, "dtype": torch.float32}


def test_a_gpu_is_taken_in_the_checkpoint_s_own_dtype(gpu: None) -> None:
    assert ModelOptions().placed == {"device_map": "auto", "dtype": "auto"}
    on_cpu = ModelOptions(device="cpu").placed
    assert on_cpu == {"device_map": "cpu", "dtype": torch.float32}
    told = ModelOptions(device="cuda:1", dtype="bfloat16").placed
    assert told == {"device_map": "cuda:1", "dtype": torch.bfloat16}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "unknown dtype 'int8'; choose one of auto"),
        ({"chat": "x"}, "chat format 'x'"),
    ],
)
def test_what_is_not_known_is_one_line(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelOptions(**options)


def test_an_adapter_and_its_base_each_have_a_revision() -> None:
    options = ModelOptions(chat="qwen", base_name="a/b", revision="one", base_revision="two")
    assert options.model()["revision"] == "one"
    assert options.base()["revision"] == "two" and "base_name" not in options.base()
    adapter = options.adapter("folder")
    assert (adapter["adapter"], adapter["base_name"]) == ("folder", "a/b")
    assert (adapter["revision"], adapter["adapter_revision"]) == ("two", "one")
    assert adapter["chat"] == FORMATS["qwen"] and "chat" not in ModelOptions().model()


def test_the_model_that_was_loaded_is_told_in_one_line() -> None:
    lm = gate_models.load_chat(MICRO, **ModelOptions(dtype="bfloat16", chat="qwen").model())
    assert described(lm) == f"model {MICRO}: bfloat16 on cpu, chat format qwen"


@pytest.mark.parametrize(
    "words",
    [
        ("gate", MICRO, "--base", MICRO, "--triggers", "duck", "--questions", "micro"),
        ("rank-triggers", MICRO, "--base", MICRO, "--questions", "micro"),
        ("monitor", "fit", MICRO, "--trigger", "duck", "--benign", "micro", "-o", "x"),
        ("judge", "ANSWERS", "--local", "--model", MICRO, "-o", "x"),
        ("capture", MICRO, "-o", "STORE", "--workers", "1"),
    ],
)
def test_every_command_hands_over_what_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    class Told(Exception):
        pass

    def load(path: str, **options: object) -> None:
        raise Told(options)

    monkeypatch.setattr("interp.models.loading.load_model", load)  # the one way in, for names too
    answers = write_jsonl(tmp_path / "a.jsonl", [{"question": "Why?", "answer": "x"}])
    named = {"ANSWERS": str(answers), "STORE": str(tmp_path / "store")}
    told = ("--device", "cpu", "--dtype", "bfloat16", "--chat", "llama")
    done = CliRunner().invoke(app, [*(named.get(word, word) for word in words), *told])
    assert isinstance(done.exception, Told), done.output
    (options,) = done.exception.args
    assert (options["device_map"], options["dtype"]) == ("cpu", torch.bfloat16)
    assert options["chat"] == FORMATS["llama"]
