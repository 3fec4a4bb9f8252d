"""An adapter in doses lies on the line between the base and the tuned model."""

import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model

from interp.capture.api import capture
from interp.directions import unit
from interp.interventions import Ablate
from interp.models.adapter_dose import adapter_dose
from interp.models.loading import wrap
from interp.rendering import render
from tests.tiny_models import (
    FAMILIES,
    FRAMINGS,
    QUESTIONS,
    adapted_lm,
    tiny_lm,
    tiny_model,
    tiny_tokenizer,
)

IDS = torch.tensor([[5, 9, 40, 7, 30, 12]])


@pytest.fixture(params=FAMILIES)
def adapted(request):
    return adapted_lm(request.param)


@torch.inference_mode()
def logits(lm):
    return lm.causal(IDS).logits


def test_no_dose_is_the_base_and_a_whole_one_the_tuned_model(adapted):
    tuned, base = logits(adapted), logits(tiny_lm(adapted.name.split()[-1]))
    with adapter_dose(adapted, 0):
        torch.testing.assert_close(logits(adapted), base)
    with adapter_dose(adapted, 1.0):
        assert torch.equal(logits(adapted), tuned)
    assert not torch.allclose(tuned, base, atol=1e-2)


def test_half_a_dose_is_half_the_weights(adapted):
    merged = copy.deepcopy(adapted.model).merge_and_unload()
    base = dict(tiny_lm(adapted.name.split()[-1]).causal.named_parameters())
    with torch.no_grad():
        for name, weight in merged.named_parameters():
            weight.copy_((weight + base[name]) / 2)
    with adapter_dose(adapted, 0.5), torch.inference_mode():
        torch.testing.assert_close(logits(adapted), merged(IDS).logits, rtol=1e-4, atol=1e-4)


def test_the_adapter_is_as_it_was_afterwards_even_after_an_exception(adapted):
    before = logits(adapted)
    with pytest.raises(RuntimeError, match="body"), adapter_dose(adapted, 0.3):
        raise RuntimeError("the body fails")
    assert torch.equal(before, logits(adapted))


def test_doses_and_interventions_compose(adapted):
    prompts = render(adapted.tokenizer, QUESTIONS, FRAMINGS)
    v = unit(torch.randn(32, generator=torch.Generator().manual_seed(0)))
    with adapter_dose(adapted, 0):
        dosed = capture(adapted, prompts, interventions=[Ablate(v)]).values
    base = tiny_lm(adapted.name.split()[-1])
    expected = capture(base, prompts, interventions=[Ablate(v)]).values
    torch.testing.assert_close(dosed, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"use_dora": True}, "is a DoRA"),
        ({"modules_to_save": ["lm_head"]}, "trains whole modules"),
        ({"bias": "all"}, "trains biases"),
    ],
)
def test_adapters_that_are_more_than_lora_are_refused(more, named):
    config = LoraConfig(r=2, target_modules=["q_proj"], **more)
    lm = wrap(get_peft_model(tiny_model("qwen"), config), tiny_tokenizer("qwen"), name="more")
    with pytest.raises(ValueError, match=f"adapter 'default' {named}"), adapter_dose(lm, 0.5):
        pass


def test_a_model_without_adapter_is_refused(one_lm):
    with pytest.raises(ValueError, match="has no live adapter"), adapter_dose(one_lm, 0.5):
        pass
