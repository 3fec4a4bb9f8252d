"""Wherever a model is named, a name of the catalogue and a GGUF file will do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.captures.spec import CaptureSpec, maker_of
from experiments.cli.judge import local_scorer as command_judge
from experiments.guard.gate_models import load_chat
from experiments.models.get import get
from experiments.worlds.chat.config import JudgeSpec, ModelSpec
from experiments.worlds.chat.fingerprint import fetch, fingerprint
from experiments.worlds.chat.judge import _local as study_judge
from experiments.worlds.chat.sizes import size_of
from experiments.worlds.chat.world import load_model as study_model
from tests.experiments.models.conftest import NAME, Index

LOADERS: dict[str, Callable[[str], Any]] = {
    "gate, rank-triggers, monitor": load_chat,
    "capture": lambda name: maker_of(CaptureSpec(name)),
    "judge --local": command_judge,
    "a study's judge": lambda name: study_judge(JudgeSpec(kind="local", model=name)),
    "a study's model": study_model,
    "a study's identity": lambda name: fingerprint(name, None),
    "a study's check": lambda name: fetch(name, None),
    "a study's plan": lambda name: size_of(ModelSpec(family="llama", base=name)),
}


@pytest.mark.parametrize("use", LOADERS.values(), ids=LOADERS)
def test_a_name_is_taken_once_the_model_is_there(index: Index, use: Callable[[str], Any]) -> None:
    with pytest.raises(ValueError, match=f"run `triggerlens models get {NAME}`"):
        use(NAME)
    get(NAME, accepted=True)
    use(NAME)
    maker_of.cache_clear()
    study_judge.cache_clear()


def test_a_gguf_file_is_taken_too(index: Index, tmp_path: Path) -> None:
    path = str(tmp_path / "tiny.gguf")
    assert load_chat(path).tokenizer.chat_template
    assert size_of(ModelSpec(family="llama", base=path)).layers == 2
    files: Any = fingerprint(path, None)["files"]
    assert "model.safetensors" in files
