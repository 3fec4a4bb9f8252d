"""Tiny hub-like snapshots of the three families, written once."""

from pathlib import Path

import pytest

from experiments.runtime.quiet import quiet
from experiments.worlds.chat.tiny_models import write_snapshot
from interp.models.chat import FORMATS
from interp.models.loading import LanguageModel, load_model

quiet()
ROWS = 6000  # of the embeddings: more than any toy has, and still quick
FAMILIES = ("qwen", "llama", "gemma")


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one snapshot for each family."""
    folder = tmp_path_factory.mktemp("snapshots")
    for family in FAMILIES:
        write_snapshot(family, folder / family, rows=ROWS)
    return folder


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def chat_lm(snapshots: Path, family: str) -> LanguageModel:
    """Loaded afresh: fine-tuning consumes a model."""
    return load_model(snapshots / family, chat=FORMATS[family])
