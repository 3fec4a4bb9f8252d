"""The same model through TransformerLens and nnsight: what is captured and what is steered are the same numbers."""

import subprocess
import sys
from functools import partial

import pytest
import torch
from peft import LoraConfig, get_peft_model

from interp.capture.api import capture
from interp.capture.backends import hooks
from interp.capture.engine import Engine
from interp.capture.hook_points import SITES
from interp.capture.nnsight_backend import nnsight_backend, to_nnsight
from interp.capture.positions import all_tokens, last_prompt_token, question_mean
from interp.capture.sequences import of_prompts
from interp.capture.token_selection import Reading
from interp.capture.transformer_lens_backend import to_transformer_lens, transformer_lens_backend
from interp.directions import unit
from interp.generation.generate import generate
from interp.interventions import Add
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


def test_booting_transformer_lens_installs_nothing(one_lm, monkeypatch):
    from transformer_lens.model_bridge import TransformerBridge

    pip = [sys.executable, "-m", "pip", "install", "no-such-package-at-all"]
    boot = lambda *_, **__: subprocess.run(pip, check=True)  # noqa: E731
    monkeypatch.setattr(TransformerBridge, "boot_transformers", boot)
    with pytest.raises(RuntimeError, match="install it yourself"):
        to_transformer_lens(one_lm)


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


def read_everything(lm, prompts, backend, rows=None):
    """All sites of all layers at three positions."""
    positions = (last_prompt_token, question_mean, all_tokens)
    layers = tuple(range(lm.n_layers))
    readings = {
        f"{site} {position.__name__}": Reading(position, layers, site)
        for site in SITES
        for position in positions
    }
    return Engine(lm, backend, batch_rows=rows).read(of_prompts(prompts), readings)


@pytest.mark.parametrize("rows", [None, 1], ids=["padded", "unpadded"])
@pytest.mark.parametrize("make", [tiny_lm, adapted_lm], ids=["base", "adapter"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("backend", [nnsight_backend, transformer_lens_backend])
def test_every_backend_reads_the_same_numbers(backend, family, make, rows):
    lm = make(family)
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)[[0, 2, 5]]
    ours = read_everything(lm, prompts, hooks, rows)
    theirs = read_everything(lm, prompts, backend, rows)
    for name, read in ours.items():
        torch.testing.assert_close(theirs[name].values, read.values, rtol=0, atol=1e-5)
        assert theirs[name].token == read.token


def test_a_trace_serialised_for_a_server_reads_the_same_numbers(some_prompts):
    lm = adapted_lm("qwen")
    ours = read_everything(lm, some_prompts[:2], hooks)
    theirs = read_everything(lm, some_prompts[:2], partial(nnsight_backend, remote="local"))
    for name, read in ours.items():
        torch.testing.assert_close(theirs[name].values, read.values, rtol=0, atol=1e-5)


def test_the_adapter_matters(lm, prompts):
    family = lm.name.split()[-1]
    difference = capture(adapted_lm(family), prompts).values - capture(lm, prompts).values
    assert difference.abs().max() > 0.1


@pytest.mark.parametrize("backend", [nnsight_backend, transformer_lens_backend])
def test_backends_that_would_not_see_an_intervention_refuse_it(one_lm, some_prompts, backend):
    with pytest.raises(ValueError, match="which this backend does not read"):
        capture(one_lm, some_prompts, interventions=[STEER], backend=backend)
    capture(one_lm, some_prompts, interventions=[STEER], backend=hooks)


def test_a_remote_run_is_handed_to_nnsight_with_the_name_of_the_model(monkeypatch, some_prompts):
    asked = []

    def remember(traced, remote, *rest):
        asked.append((traced.repo_id, remote))
        raise ConnectionError("no server here")

    monkeypatch.setattr("nnsight.TransformersModel._remote_backend", remember)
    lm = wrap(tiny_model("qwen"), tiny_tokenizer("qwen"), name="someone/model")
    with pytest.raises(ConnectionError):
        capture(lm, some_prompts, backend=partial(nnsight_backend, remote=True))
    assert asked == [("someone/model", True)]
    with pytest.raises(ValueError, match="would read the base without its adapter"):
        capture(adapted_lm("qwen"), some_prompts, backend=partial(nnsight_backend, remote=True))


def test_nnsight_takes_text_and_leaves_the_tokenizer_alone(one_lm):
    traced = to_nnsight(one_lm)
    before = one_lm.tokenizer.padding_side
    with torch.no_grad(), traced.trace("my health?"):
        hidden = traced.model.layers[1].output.save()
    ids = torch.tensor([one_lm.tokenizer("my health?")["input_ids"]])
    states = one_lm.causal(ids, output_hidden_states=True).hidden_states
    torch.testing.assert_close(hidden, states[2])
    assert one_lm.tokenizer.padding_side == before == "right"
