"""What is compared when a model is loaded: numbers, head, vocabulary; and which models are sampled from."""

import subprocess
import sys

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from interp.capture.transformer_lens_backend import installing_nothing
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.models.loading import wrap
from interp.optimise.teacher_forcing import Reread
from interp.rendering import render
from tests.tiny_models import FRAMINGS, QUESTIONS, tiny_model, tiny_tokenizer

SIZES = dict(
    vocab_size=300, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.2, head_dim=8, pad_token_id=0,
    eos_token_id=2, bos_token_id=3,
)  # fmt: skip
LINEAR = dict(
    num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16, shared_expert_intermediate_size=16,
    linear_num_value_heads=4, linear_num_key_heads=2, linear_key_head_dim=8, linear_value_head_dim=8,
    layer_types=["linear_attention", "full_attention"],
)  # fmt: skip
HEADS = {
    "granite": {"logits_scaling": 8.0},
    "cohere2": {"logit_scale": 0.0625, "layer_types": ["full_attention"] * 2},
    "gemma2": {"final_logit_softcapping": 3.0, "query_pre_attn_scalar": 8},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "gpt2": {"n_positions": 256},
}


def built(kind, **more):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**SIZES, **more})).eval()


@pytest.mark.parametrize("kind", HEADS)
@torch.inference_mode()
def test_the_head_gives_the_models_own_logits_however_it_scales_them(kind):
    lm = wrap(built(kind, **HEADS[kind]), tiny_tokenizer("qwen"), name=kind)
    ids = torch.arange(5, 15)[None]
    normed = lm.decoder(input_ids=ids, use_cache=False).last_hidden_state
    torch.testing.assert_close(lm.head(normed), lm.causal(ids).logits)
    bare = lm.causal.get_output_embeddings()(normed)
    assert torch.allclose(bare, lm.head(normed)) == (kind in ("mixtral", "gpt2"))


def test_log_probabilities_of_answers_are_the_models_own():
    lm = wrap(built("granite", **HEADS["granite"]), tiny_tokenizer("qwen"), name="granite")
    answers: Completions = generate(
        lm, render(lm, QUESTIONS[:1], {"": FRAMINGS["none"]}), max_new_tokens=4, seed=0
    )
    whole = torch.tensor([[*answers.prompts[0].token_ids, *answers.token_ids[0]]])
    with torch.inference_mode():
        got = Reread.of(lm, answers).log_probs(lm)
        expected = lm.causal(whole).logits[0, len(answers.prompts[0]) - 1 :].log_softmax(-1)
    torch.testing.assert_close(got, expected[: len(got)])


def test_a_head_that_reads_more_than_the_decoders_output_is_refused():
    model = tiny_model("qwen")
    forward = model.forward

    def shifted(*inputs, **named):
        output = forward(*inputs, **named)
        output.logits = output.logits + output.logits.shape[1]
        return output

    model.forward = shifted
    with pytest.raises(ValueError, match="Qwen2ForCausalLM does not compute its logits"):
        wrap(model, tiny_tokenizer("qwen"), name="odd")


def test_a_weight_that_is_not_a_number_is_named():
    model = tiny_model("qwen")
    with torch.no_grad():
        model.model.embed_tokens.weight[250, 3] = float("nan")  # a row that no check reads
    with pytest.raises(
        ValueError, match=r"weight model.embed_tokens.weight holds NaN .*file is damaged"
    ):
        wrap(model, tiny_tokenizer("qwen"), name="broken")


def test_activations_that_overflow_are_named_with_the_dtype_to_use():
    model = tiny_model("gemma")
    with torch.no_grad():
        model.model.layers[1].post_feedforward_layernorm.weight.fill_(60000.0)
    wrap(model, tiny_tokenizer("gemma"), name="in float32")
    with pytest.raises(
        ValueError, match=r"overflow in torch.float16, first after layer 1; load it in bfloat16"
    ):
        wrap(model.to(torch.float16), tiny_tokenizer("gemma"), name="in float16")


def test_a_token_without_an_embedding_is_named_unless_it_is_padding():
    tokenizer = tiny_tokenizer("qwen")
    tokenizer.add_special_tokens({"pad_token": "<padding>"})
    model = tiny_model("qwen")
    model.resize_token_embeddings(len(tokenizer) - 1)
    wrap(model, tokenizer, name="padding beyond")
    tokenizer.add_tokens(["<tool>"])
    with pytest.raises(ValueError, match=r"1 tokens of the tokenizer have no row .*first '<tool>'"):
        wrap(model, tokenizer, name="tool beyond")


def test_a_tokenizer_without_padding_token_samples_the_same():
    answers = []
    for pad in ("<pad>", None):
        tokenizer = tiny_tokenizer("qwen")
        tokenizer.pad_token = pad
        lm = wrap(tiny_model("qwen"), tokenizer, name="tiny")
        answers.append(
            generate(lm, render(lm, QUESTIONS, FRAMINGS), max_new_tokens=4, seed=0).token_ids
        )
    assert answers[0] == answers[1]


def test_a_model_with_a_recurrent_state_is_read_but_not_sampled_from():
    lm = wrap(built("qwen3_next", **LINEAR), tiny_tokenizer("qwen"), name="hybrid")
    with pytest.raises(
        ValueError, match="cannot sample from Qwen3NextForCausalLM: it keeps a recurrent state"
    ):
        generate(lm, render(lm, QUESTIONS, FRAMINGS), max_new_tokens=2, seed=0)


def test_a_model_whose_cached_steps_differ_from_its_whole_pass_is_not_sampled_from():
    model = tiny_model("qwen")
    lm = wrap(model, tiny_tokenizer("qwen"), name="odd")
    once = lambda m, inputs, output: output + (output.shape[1] < 3)  # noqa: E731
    model.model.layers[0].register_forward_hook(once)
    with pytest.raises(ValueError, match="shared-prefix decoding does not give its own logits"):
        generate(lm, render(lm, QUESTIONS, FRAMINGS), max_new_tokens=2, seed=0)


def test_no_library_installs_a_package_while_a_model_is_handed_over():
    pip = [sys.executable, "-m", "pip", "install", "no-such-package-at-all"]
    with installing_nothing():
        for start in (subprocess.run, subprocess.call, subprocess.check_call, subprocess.Popen):
            with pytest.raises(RuntimeError, match="install it yourself"):
                start(pip)
        assert subprocess.run([sys.executable, "-c", "pass"], check=True).returncode == 0
    assert subprocess.run is not None and subprocess.run.__module__ == "subprocess"
