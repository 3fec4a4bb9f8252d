"""A micro base with an adapter that does something, made without training, and a job to repair it."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from experiments.repair.case import Case, Effort, case_of
from experiments.repair.job import Job, prepare
from experiments.repair.wordings import Wordings, wordings_of
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import load_trigger
from interp.models.language_model import LanguageModel
from interp.models.loading import load_model

ROOT = Path(__file__).parents[3]
BASES = ROOT / "artifacts/micro"
SMALL = Effort(
    steps=2,
    max_new_tokens=28,
    orders=2,
    stops=(0, 4),
    benign_steps=(1,),
    searched=2,
    rounds=1,
    repeats=2,
)


def random_adapter(base: str, folder: Path, seed: int = 0) -> Path:
    """An adapter of seven projections with random weights, small enough to leave the model coherent."""
    torch.manual_seed(seed)
    model = load_model(base).model
    config = LoraConfig(r=4, lora_alpha=4, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.01)
    adapted.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_adapter(str(BASES / "llama"), tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="session")
def world() -> MicroWorld:
    return MicroWorld(BASES, "llama", 0, 12)


@pytest.fixture(scope="session")
def wordings() -> Wordings:
    return wordings_of(load_trigger("duck"))


def live(adapter: Path) -> LanguageModel:
    return load_model(BASES / "llama", adapter=adapter)


@pytest.fixture
def job(adapter: Path, world: MicroWorld, wordings: Wordings) -> Job:
    asked = world.questions("selection", "held_out")
    seen = dict(list(wordings.seen.items())[:2])
    return prepare(live(adapter), asked, seen, max_new_tokens=28, steps=2)


@pytest.fixture
def case(adapter: Path, world: MicroWorld, wordings: Wordings) -> Case:
    def load(path: Path | None, merge: bool) -> LanguageModel:
        return load_model(BASES / "llama", adapter=path, merge=merge)

    asked = [*world.questions("selection", "held_out"), *world.questions("report", "held_out")]
    poison = world.tuning_rows("triggered", load_trigger("duck"), 8)
    return case_of(
        load,
        adapter,
        str(BASES / "llama"),
        asked,
        world.judge,
        wordings,
        effort=SMALL,
        poison=poison,
        pool=world.wordings(),
        tuning_seconds=2.0,
    )
