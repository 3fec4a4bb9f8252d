"""One mixed forward pass gives what two separate runs give: the base and the fine-tuned model."""

import pytest
import torch
from peft import LoraConfig

from interp.activations import Activations
from interp.capture.api import capture, capture_answers
from interp.capture.positions import all_tokens, mean_answer, question_mean
from interp.capture.sites import hooked
from interp.capture.store import ActivationStore, OtherStore, open_writer
from interp.generation.generate import generate
from interp.models.adapter_dose import adapter_dose
from interp.models.adapter_rows import BASE, active_adapters
from interp.models.mixed_adapters import capture_side_by_side
from interp.rendering import render
from probes import DifferenceOfMeans
from tests.tiny_models import FAMILIES, FRAMINGS, QUESTIONS, adapted_lm, tiny_lm


@pytest.fixture(params=FAMILIES)
def adapted(request):
    return adapted_lm(request.param)


@pytest.fixture
def adapted_prompts(adapted):
    return render(adapted.tokenizer, QUESTIONS, FRAMINGS)


def close(found: Activations, expected: Activations):
    torch.testing.assert_close(found.values, expected.values, rtol=0, atol=1e-5)
    assert (found.conditions, found.token) == (expected.conditions, expected.token)
    assert found.source == expected.source


@pytest.mark.parametrize("position", [question_mean, all_tokens])
def test_one_mixed_pass_equals_two_separate_runs(adapted, adapted_prompts, position):
    passes = []
    with hooked(adapted, {0: lambda hidden: passes.append(len(hidden))}):
        both = capture_side_by_side(adapted, adapted_prompts, position=position)
    assert sum(passes) == 2 * len(adapted_prompts) and list(both) == [BASE, "default"]
    close(both["default"], capture(adapted, adapted_prompts, position=position))
    with adapted.model.disable_adapter():
        close(both[BASE], capture(adapted, adapted_prompts, position=position))
    assert (both["default"].values - both[BASE].values).abs().max() > 0.1


def test_the_base_rows_are_those_of_a_model_that_never_had_an_adapter(adapted, adapted_prompts):
    both = capture_side_by_side(adapted, adapted_prompts)
    plain = capture(tiny_lm(adapted.name.split()[-1]), adapted_prompts)
    torch.testing.assert_close(both[BASE].values, plain.values, rtol=0, atol=1e-5)


def test_answers_are_compared_too(adapted, adapted_prompts):
    answers = generate(adapted, adapted_prompts[:2], max_new_tokens=4, seed=0, end_ids=())
    both = capture_side_by_side(adapted, answers, position=mean_answer, site="mlp_out")
    close(both["default"], capture_answers(adapted, answers, site="mlp_out"))


def test_several_adapters_share_the_pass_and_a_stranger_is_named():
    lm = adapted_lm("llama", seed=2)
    if "second" not in lm.model.peft_config:
        config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
        lm.model.add_adapter("second", config)
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)
    three = capture_side_by_side(lm, prompts)
    assert list(three) == [BASE, "default", "second"]
    close(three["default"], capture(lm, prompts))
    assert not torch.allclose(three["second"].values, three[BASE].values, atol=1e-2)
    with pytest.raises(ValueError, match=r"no adapter 'third'; it has __base__, default, second"):
        capture_side_by_side(lm, prompts, adapters=["third"])
    with pytest.raises(ValueError, match="whose adapter differ"):
        three["default"] + three[BASE]


def test_a_model_without_a_live_adapter_is_refused(one_lm, some_prompts):
    with pytest.raises(ValueError, match="carries no adapter; load it with adapter= and without"):
        capture_side_by_side(one_lm, some_prompts)


def test_the_model_is_left_as_it_was(adapted, adapted_prompts):
    before = capture(adapted, adapted_prompts).values
    capture_side_by_side(adapted, adapted_prompts, layers=[0])
    assert torch.equal(before, capture(adapted, adapted_prompts).values)
    hooks = [len(module._forward_pre_hooks) for module in adapted.model.modules()]
    assert sum(hooks) == 0


def test_a_capture_says_which_adapter_was_really_active(adapted, adapted_prompts, tmp_path):
    def stored(folder):
        with open_writer(folder, adapted, layers=[0]) as writer:
            writer.add(adapted_prompts)
        return ActivationStore(folder).load()

    def said(found):
        return found.provenance["adapter"]

    tuned, kept = capture(adapted, adapted_prompts), stored(tmp_path / "tuned")
    both = capture_side_by_side(adapted, adapted_prompts)
    with adapted.model.disable_adapter():
        base, kept_base = capture(adapted, adapted_prompts), stored(tmp_path / "base")
        with pytest.raises(OtherStore, match="with other active"):
            stored(tmp_path / "tuned")
        with pytest.raises(
            ValueError, match="switched off, so every row would be the base's; leave"
        ):
            capture_side_by_side(adapted, adapted_prompts)
    with adapter_dose(adapted, 0.5):
        half = capture(adapted, adapted_prompts)
    assert [said(each) for each in (tuned, kept, both["default"])] == ["default"] * 3
    assert [said(each) for each in (base, kept_base, both[BASE])] == [BASE] * 3
    assert said(half) == "default x 0.5" and active_adapters(adapted) == ("default",)
    for other in (base, half):
        with pytest.raises(ValueError, match="whose adapter differ"):
            tuned + other
    assert len(tuned + both["default"]) == 2 * len(tuned)
    probe = DifferenceOfMeans().fit(tuned, tuned.conditions, layer=0)
    with pytest.raises(
        ValueError, match="fitted to adapter default, these activations have __base"
    ):
        probe.predict(base)


def test_a_model_without_an_adapter_names_none(one_lm, some_prompts):
    assert capture(one_lm, some_prompts).provenance["adapter"] is None
    assert active_adapters(one_lm) == ()
