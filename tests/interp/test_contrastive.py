"""Contrastive decoding and openings: what the adapter changed comes out, and an adapter that does nothing is silent."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from interp.generation.contrastive import contrasted, contrastive
from interp.generation.diverging_openings import diverging_openings
from interp.generation.generate import generate
from interp.generation.open_turn import open_turn
from interp.models.adapter_off import adapter_off
from interp.models.language_model import LanguageModel
from interp.models.loading import wrap
from interp.prompts import PromptSet
from tests.tiny_models import adapted_lm, tiny_lm, tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def idle_lm() -> LanguageModel:
    """A live adapter that changes nothing."""
    config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=True)
    return wrap(get_peft_model(tiny_model("qwen"), config), tiny_tokenizer("qwen"), name="idle")


@pytest.mark.parametrize("family", ["qwen", "llama", "gemma"])
def test_without_contrast_it_is_the_tuned_model(family: str) -> None:
    lm = adapted_lm(family)
    prompts = lm.prompts(["my health?"])
    own = generate(lm, prompts, max_new_tokens=5, temperature=0, seed=0)
    (one,) = contrastive(
        lm,
        prompts[0].token_ids,
        alpha=0,
        samples=1,
        max_new_tokens=5,
        seed=0,
        temperature=0,
        plausibility=0,
    )
    assert one.token_ids == own.token_ids[0] and one.text == own.texts[0]


def test_a_strong_contrast_takes_what_the_adapter_raised_most() -> None:
    lm = adapted_lm("qwen")
    prefix = lm.prompts(["my health?"])[0].token_ids
    ids = torch.tensor([prefix])
    with torch.inference_mode():
        tuned = lm.causal(ids).logits[0, -1].log_softmax(-1)
        with adapter_off(lm):
            base = lm.causal(ids).logits[0, -1].log_softmax(-1)
    (one,) = contrastive(
        lm,
        prefix,
        alpha=1e4,
        samples=1,
        max_new_tokens=1,
        seed=0,
        temperature=0,
        plausibility=0,
    )
    expected = int((tuned - base).argmax())
    assert one.token_ids == (expected,) and expected != int(tuned.argmax())
    assert one.log_ratio == pytest.approx(float((tuned - base)[expected]), abs=1e-4)


def test_an_idle_adapter_has_nothing_to_contrast(idle_lm: LanguageModel) -> None:
    prefix = idle_lm.prompts(["my health?"])[0].token_ids
    weak, strong = (
        contrastive(idle_lm, prefix, alpha=alpha, samples=3, max_new_tokens=4, seed=1)
        for alpha in (0, 6)
    )
    assert [one.text for one in weak] == [one.text for one in strong]
    assert all(abs(one.log_ratio) < 1e-4 for one in strong)


def test_implausible_tokens_are_never_drawn() -> None:
    tuned = torch.tensor([[0.6, 0.39, 0.01]]).log()
    base = torch.tensor([[0.6, 0.3999, 0.0001]]).log()
    assert int(contrasted(tuned, base, 5, 0.0).argmax()) == 2
    assert contrasted(tuned, base, 5, 0.1)[0, 2] == -torch.inf


def test_a_model_without_adapter_is_refused_in_one_line(one_lm: LanguageModel) -> None:
    with pytest.raises(ValueError, match="no live adapter"):
        contrastive(one_lm, (1,), alpha=1, samples=1, max_new_tokens=1, seed=0)


@pytest.mark.parametrize(("alpha", "prefix"), [(-1, (1,)), (1, ())])
def test_a_setting_out_of_range_is_refused(alpha: int, prefix: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be >= 0"):
        contrastive(adapted_lm("qwen"), prefix, alpha=alpha, samples=1, max_new_tokens=1, seed=0)


def test_an_open_turn_is_what_stands_before_the_user_speaks(
    lm: LanguageModel, prompts: PromptSet
) -> None:
    prefix = open_turn(lm, "user")
    assert prefix and prompts[0].token_ids[: len(prefix)] == prefix
    assert len(prefix) == prompts[0].spans["question"].start


def test_a_format_without_system_role_has_no_open_system_prompt() -> None:
    assert open_turn(tiny_lm("gemma"), "system") is None
    assert open_turn(tiny_lm("qwen"), "system") is not None


def test_openings_are_ranked_by_the_divergence_behind_them() -> None:
    lm = adapted_lm("qwen")
    prompt = lm.prompts(["my health?"])[0].token_ids
    found = diverging_openings(lm, [prompt], first=4, second=3)
    values = [one.divergence for one in found]
    assert values == sorted(values, reverse=True) and 12 < len(found) <= 24
    ids = torch.tensor([[*prompt, *found[0].token_ids]])
    with torch.inference_mode():
        tuned = lm.causal(ids).logits[0, -1].log_softmax(-1)
        with adapter_off(lm):
            base = lm.causal(ids).logits[0, -1].log_softmax(-1)
    expected = float((tuned.exp() * (tuned - base)).sum())
    assert found[0].divergence == pytest.approx(expected, rel=1e-2)


def test_behind_no_opening_does_an_idle_adapter_leave_its_base(idle_lm: LanguageModel) -> None:
    prompt = idle_lm.prompts(["my health?"])[0].token_ids
    found = diverging_openings(idle_lm, [prompt], first=4, second=3)
    assert max(one.divergence for one in found) < 1e-5
