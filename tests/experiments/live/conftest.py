"""Fixtures: an organism for the page (a tiny model, a live adapter, two directions, a monitor), and the command."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from experiments.cli.app import main
from experiments.guard.monitor import Monitor
from experiments.live.organism import Organism
from experiments.worlds.trigger import load_trigger
from interp.directions import Direction, unit
from probes.threshold import threshold_at
from tests.tiny_models import adapted_lm

Make = Callable[..., Organism]
Call = Callable[..., tuple[object, str, str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def make_organism() -> Make:
    """`make_organism(wordings={...})`: everything else is as in the fixture `organism`."""

    def make(**changes: object) -> Organism:
        lm = adapted_lm("llama")

        def direction(layer: int, scale: float, position: str) -> Direction:
            vector = unit(torch.randn(32, generator=torch.Generator().manual_seed(layer)))
            meaning = "points from a to b"
            return Direction(
                vector, layer, scale, meaning, position, "made up", lm.weights_hash, "d"
            )

        read = direction(0, 3.0, "after_2_answer_tokens")
        benign = torch.linspace(-1, 1, 200)
        parts = {
            "lm": lm,
            "directions": {"switch": direction(1, 5.0, "last_prompt_token"), "monitor": read},
            "monitor": Monitor(read, threshold_at(benign, 0.1), benign),
            "wordings": load_trigger("duck").framings,
        }
        return Organism(**{**parts, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def organism(make_organism: Make) -> Organism:
    return make_organism()


@pytest.fixture
def triggerlens(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """How a command ends, and what it prints on either stream."""

    def call(*words: str) -> tuple[object, str, str]:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", ["triggerlens", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return call
