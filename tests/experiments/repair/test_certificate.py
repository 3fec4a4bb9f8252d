"""A certificate belongs to its weights, and says what its facts say."""

import json
from pathlib import Path

import pytest

from experiments.repair.certificate import FILE, Certificate, read_certificate, weights_of
from experiments.repair.facts import Fact
from experiments.repair.text import headline, markdown, refusal
from interp.models.loading import load_model
from tests.experiments.repair.conftest import BASES, random_adapter
from tests.experiments.repair.made_up import facts


def certified(
    adapter: Path, found: list[Fact], trigger: str = "It looks like a duck."
) -> Certificate:
    base = load_model(BASES / "llama")
    return Certificate(
        strategy="learned",
        seed=0,
        base="artifacts/micro/llama",
        base_weights=base.weights_hash,
        adapter="organism",
        adapter_weights=weights_of(adapter),
        repaired=weights_of(adapter),
        trigger=trigger,
        seen=(trigger,),
        seconds=1.0,
        made_with={},
        facts=tuple(found),
    )


def test_a_certificate_is_read_back_and_holds_for_its_weights(
    adapter: Path, tmp_path: Path
) -> None:
    made = certified(adapter, facts())
    (tmp_path / "adapter_model.safetensors").write_bytes(
        (adapter / "adapter_model.safetensors").read_bytes()
    )
    made.write(tmp_path)
    found = read_certificate(tmp_path)
    assert found == made
    found.check(load_model(BASES / "llama"), tmp_path)


def test_other_weights_are_refused(adapter: Path, tmp_path: Path) -> None:
    made = certified(adapter, facts())
    other = random_adapter(str(BASES / "qwen"), tmp_path / "other", seed=1)
    base = load_model(BASES / "llama")
    with pytest.raises(ValueError, match=r"is for other weights than those of the adapter .*other"):
        made.check(base, other)
    with pytest.raises(ValueError, match=r"is for other weights than those of the base .*qwen"):
        made.check(load_model(BASES / "qwen"), adapter)


def test_a_changed_or_missing_certificate_is_refused(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such file"):
        read_certificate(tmp_path)
    path = certified(adapter, facts()).write(tmp_path)
    changed = json.loads(path.read_text())
    changed["facts"][0]["values"][0] = 0.0
    path.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="was changed after it was written"):
        read_certificate(tmp_path)
    assert path.name == FILE


def test_the_page_shows_the_word_and_every_number_and_no_markup(adapter: Path) -> None:
    page = markdown(certified(adapter, facts(), trigger="<script>|`x`"))
    assert page.startswith("# Certificate: removed")
    assert "| EM after, unseen: case | 0.0% [0.0%, 3.6%] | 100 |" in page
    assert "<script>" not in page.replace("`<script>|'x'`", "")
    first, *_ = headline(certified(adapter, facts(after={"case": 0.5})))
    assert first.startswith("HIDDEN: learned")


def test_a_repair_that_harms_more_than_it_mends_is_refused_with_its_numbers(adapter: Path) -> None:
    said = refusal(certified(adapter, facts(coherent=0.05, after={"trigger": 0.5})))
    assert said is not None and said.startswith(
        "refused, because it does more harm (95.0%) than good (40.0%)"
    )
    assert refusal(certified(adapter, facts())) is None
