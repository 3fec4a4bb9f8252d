"""An organism for the page: a tiny model with a live adapter, two directions and a monitor."""

from collections.abc import Callable

import pytest
import torch

from experiments.guard.monitor import Monitor
from experiments.live.organism import Organism
from experiments.worlds.trigger import load_trigger
from interp.directions import Direction, unit
from probes.threshold import threshold_at
from tests.tiny_models import adapted_lm

Make = Callable[..., Organism]


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
