"""The same model through TransformerLens and nnsight: what is captured and what is steered are the same numbers."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from interp.capture import capture
from interp.directions import unit
from interp.generate import generate
from interp.interventions import Add
from interp.models import wrap
from interp.nnsight_backend import to_nnsight
from interp.transformer_lens_backend import to_transformer_lens
from tests.tiny_models import tiny_model, tiny_tokenizer

V = unit(torch.arange(1.0, 33.0))
STEER = Add(V, (1,), 20.0)


@pytest.fixture(scope="module")
def bridge(lm):
    return to_transformer_lens(lm)


def ids_of(prompt):
    return torch.tensor([prompt.token_ids])


def next_token(lm, prompt, interventions=()):
    """Our greedy first answer token."""
    answers = generate(
        lm,
        prompt,
        max_new_tokens=1,
        temperature=0,
        seed=0,
        interventions=interventions,
        end_ids=(),
    )
    return [ids[0] for ids in answers.token_ids]


@torch.inference_mode()
def test_transformer_lens_reads_the_same_residual_stream(lm, bridge, prompts):
    captured = capture(lm, prompts)
    for row, prompt in enumerate(prompts):
        _, cache = bridge.run_with_cache(ids_of(prompt))
        for layer in range(lm.n_layers):
            theirs = cache[f"blocks.{layer}.hook_out"][0, -1]
            torch.testing.assert_close(captured.at(layer)[row], theirs, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_transformer_lens_steers_to_the_same_logits(lm, bridge, prompts):
    hooks = [("blocks.1.hook_out", lambda hidden, hook: hidden + 20.0 * V)]
    steered = [bridge.run_with_hooks(ids_of(p), fwd_hooks=hooks)[0, -1].argmax() for p in prompts]
    intact = [bridge(ids_of(p))[0, -1].argmax() for p in prompts]
    assert next_token(lm, prompts, [STEER]) == [int(token) for token in steered]
    assert next_token(lm, prompts) == [int(token) for token in intact]
    assert steered != intact


@torch.inference_mode()
def test_booting_transformer_lens_leaves_the_model_as_it_was(lm, prompts):
    ids = ids_of(prompts[0])
    before, names = lm.causal(ids).logits, list(lm.causal.state_dict())
    to_transformer_lens(lm)
    assert torch.equal(before, lm.causal(ids).logits)
    assert list(lm.causal.state_dict()) == names


@torch.inference_mode()
def test_transformer_lens_sees_the_live_adapter():
    torch.manual_seed(0)
    base = tiny_model("qwen")
    ids = torch.arange(5, 12)[None]
    untuned = base(ids).logits
    config = LoraConfig(r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    lm = wrap(get_peft_model(base, config), tiny_tokenizer("qwen"), name="adapted")
    theirs = to_transformer_lens(lm)(ids)
    torch.testing.assert_close(theirs, lm.model(ids).logits, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(theirs, untuned, atol=1e-2)


def test_nnsight_reads_and_steers_the_same_residual_stream(lm, prompts):
    traced = to_nnsight(lm)
    captured = capture(lm, prompts)
    steered = next_token(lm, prompts, [STEER])
    changed = 0
    for row, prompt in enumerate(prompts):
        ids = ids_of(prompt)
        with torch.no_grad(), traced.trace(ids):
            first = traced.model.layers[0].output.save()
            last = traced.model.layers[2].output.save()
            intact = traced.output.logits.save()
        with torch.no_grad(), traced.trace(ids):
            traced.model.layers[1].output = traced.model.layers[1].output + 20.0 * V
            logits = traced.output.logits.save()
        torch.testing.assert_close(captured.at(0)[row], first[0, -1], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(captured.at(2)[row], last[0, -1], rtol=1e-3, atol=1e-4)
        assert int(logits[0, -1].argmax()) == steered[row]
        changed += int(intact[0, -1].argmax()) != steered[row]
    assert changed > 0
