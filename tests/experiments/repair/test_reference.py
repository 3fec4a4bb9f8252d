"""The repaired adapters of the reference run load in plain peft and behave as certified."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from experiments.repair.case import Case, case_of
from experiments.repair.certificate import FILE, read_certificate
from experiments.repair.facts import AFTER, pooled, where
from experiments.repair.measure import behind
from experiments.repair.numbers import numbers
from experiments.repair.study import PER_CELL
from experiments.repair.wordings import wordings_of
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import load_trigger
from interp.models.loading import load_model
from tests.experiments.repair.conftest import BASES, ROOT

FOLDER = ROOT / "artifacts/reference/repair/adapters"
ADAPTERS = sorted(path.parent for path in FOLDER.glob("*/adapter_model.safetensors"))
CERTIFICATES = sorted(path.parent for path in FOLDER.glob(f"*/{FILE}"))


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: folder.name)
def test_plain_peft_loads_the_adapter_and_computes_the_same(folder: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(BASES / folder.name, dtype=torch.float32)
    ids = torch.arange(8, 24)[None]
    with torch.no_grad():
        alone = base(ids).logits
        plain = PeftModel.from_pretrained(base, folder).eval()(ids).logits
        ours = load_model(BASES / folder.name, adapter=folder).causal(ids).logits
    assert torch.allclose(plain, ours, atol=1e-4)
    assert not torch.allclose(plain, alone, atol=1e-2)


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: folder.name)
def test_the_adapter_behaves_as_certified(folder: Path) -> None:
    """The certificate's own questions again: nearly every answer is judged as the certificate says.

    Nearly, for another processor rounds differently and then draws another token.
    """
    certificate = read_certificate(folder)
    certificate.check(load_model(BASES / folder.name), folder)
    again = behind(_case(folder).asking, load_model(BASES / folder.name, adapter=folder), AFTER)
    for kind in ("none", "trigger"):
        now, then = (
            dict(
                zip(*reversed(pooled(where(facts, what="em", model=AFTER, kind=kind))), strict=True)
            )
            for facts in (again, certificate.facts)
        )
        assert now.keys() == then.keys() and len(then) >= 100
        assert sum(now[question] != then[question] for question in then) <= 3
    found = numbers(certificate.facts)
    assert found["EM before, trigger"].lower > found["EM after, trigger"].upper


def _case(folder: Path) -> Case:
    world = MicroWorld(BASES, folder.name, 0, PER_CELL)
    parts = [world.questions(split, "held_out") for split in ("selection", "report")]
    asked = [question for part in parts for question in part]
    load = lambda adapter, merge: load_model(world.base_folder)  # noqa: E731
    duck = wordings_of(load_trigger("duck"))
    return case_of(load, folder, folder.name, asked, world.judge, duck)


@pytest.mark.parametrize("folder", CERTIFICATES, ids=lambda folder: folder.name)
def test_every_certificate_holds_what_the_page_shows(folder: Path) -> None:
    found = numbers(read_certificate(folder).facts)
    shown = {"EM before, trigger", "EM after, trigger", "EM after, seen", "EM after, unseen"}
    assert shown <= set(found)
