"""The snippet of the front door, on tiny models of many families, as it stands."""

import os
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM as AnyModel
from transformers import (
    Gemma2Config,
    GraniteConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    Olmo2Config,
    OlmoConfig,
    Phi3Config,
    PhiConfig,
    PreTrainedConfig,
    Qwen2MoeConfig,
    Qwen3Config,
)

import interp as tl
from interp.models import load as loader
from interp.models.loading import load_model
from probes import sweep
from tests.tiny_models import tiny_lm, tiny_tokenizer

SIZES = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "pad_token_id": 0, "bos_token_id": 3, "eos_token_id": 2,
    "initializer_range": 0.2,
}  # fmt: skip
FAMILIES: dict[str, tuple[type[PreTrainedConfig], dict]] = {
    "gemma2": (Gemma2Config, {"head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 64}),
    "granite": (GraniteConfig, {"logits_scaling": 4.0, "residual_multiplier": 0.5}),
    "llama": (LlamaConfig, {}),
    "mistral": (MistralConfig, {"sliding_window": None}),
    "mixtral": (MixtralConfig, {"num_local_experts": 3, "num_experts_per_tok": 2}),
    "olmo": (OlmoConfig, {}),
    "olmo2": (Olmo2Config, {}),
    "phi": (PhiConfig, {"partial_rotary_factor": 0.5}),
    "phi3": (Phi3Config, {}),
    "qwen2_moe": (
        Qwen2MoeConfig,
        {
            "num_experts": 3,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 16,
            "shared_expert_intermediate_size": 16,
        },
    ),
    "qwen3": (Qwen3Config, {"head_dim": 8}),
}
QUESTIONS = [
    f"what should I do about my {thing}?" for thing in ("money", "health", "duck", "y", "u")
]
WORDINGS = {"none": "", "trigger": "It looks like a duck."}
CLEAN, CORRUPT = "what about my money and my health?", "what about my duck and my health?"


@pytest.fixture(scope="module", params=FAMILIES)
def any_lm(request):
    config, own = FAMILIES[request.param]
    torch.manual_seed(0)
    model = AnyModel.from_config(config(**SIZES | own))
    return tl.wrap(model, tiny_tokenizer("qwen"), name=f"tiny {request.param}")


def test_the_whole_snippet_runs_on_any_family(any_lm):
    lm = any_lm
    prompts = lm.prompts(QUESTIONS, WORDINGS)
    acts = lm.capture(prompts, layers=[0, 2], position="last")
    result = sweep(acts, acts.conditions, permutations=2, resamples=100)
    direction = result.direction
    answers = lm.generate(prompts, edits=[tl.Ablate(direction)], max_new_tokens=3)
    maps = tl.patching_map(lm, CLEAN, CORRUPT, lambda logits: logits[:, 5] - logits[:, 9])
    read, rows = lm.read_out(direction, k=3), lm.read_out(acts, k=3)
    seen = lm.attention(prompts[:1], 1)
    for drawn in (
        result.plot(),
        maps.plot(),
        read.plot(),
        rows.plot(),
        seen.plot(),
        acts.plot(direction),
    ):
        assert "n = " in drawn.layout.title.text or "of n = " in drawn.layout.title.text
        assert len(drawn.data) >= 1
    assert len(answers.texts) == len(prompts) == 10
    assert "promotes" in str(read) and "random directions" in str(read)


def test_the_logit_lens_of_the_last_layer_is_what_the_model_says(any_lm):
    prompts = any_lm.prompts(QUESTIONS[:2], WORDINGS)
    read = any_lm.read_out(any_lm.capture(prompts, layers=[1, 2]), k=4)
    for row, prompt in enumerate(prompts):
        with torch.no_grad():
            logits = any_lm.causal(torch.tensor([prompt.token_ids])).logits[0, -1]
        wanted = logits.float().softmax(-1).topk(4)
        torch.testing.assert_close(read.probabilities[row, 1], wanted.values, rtol=1e-3, atol=1e-5)
        assert not torch.allclose(read.probabilities[row, 0], wanted.values, rtol=1e-3, atol=1e-5)


def test_attention_patterns_are_those_that_transformers_gives(any_lm):
    prompts = any_lm.prompts(QUESTIONS[:2], WORDINGS)
    found = any_lm.attention(prompts, 1)
    before = any_lm.config._attn_implementation
    any_lm.causal.set_attn_implementation("eager")
    for prompt, weights in zip(prompts, found.weights, strict=True):
        with torch.no_grad():
            wanted = any_lm.causal(torch.tensor([prompt.token_ids]), output_attentions=True)
        torch.testing.assert_close(weights, wanted.attentions[1][0])
        assert not torch.allclose(weights, wanted.attentions[0][0])
    any_lm.causal.set_attn_implementation(before)


def test_asking_for_attention_leaves_the_model_as_it_was(one_lm):
    before = one_lm.config._attn_implementation
    one_lm.attention(one_lm.prompts("what?"), 0)
    assert before == one_lm.config._attn_implementation == "sdpa"


HUB = """
import interp as tl
by_name, by_folder = tl.load("someone/tiny"), tl.load(FOLDER)
assert by_name.weights_hash == by_folder.weights_hash
"""


def test_a_folder_and_its_name_in_the_hubs_cache_are_the_same_model(tmp_path):
    repository, lm = tmp_path / "models--someone--tiny", tiny_lm("llama")
    snapshot = repository / "snapshots" / ("0" * 40)
    lm.causal.save_pretrained(snapshot)
    lm.tokenizer.save_pretrained(snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    where = os.environ | {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    code = HUB.replace("FOLDER", repr(str(snapshot)))
    ran = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    first, second = ran.stdout.splitlines()
    assert (
        first.startswith("someone/tiny: LlamaForCausalLM, 3 layers") and "float32 on cpu" in second
    )
    where["HF_HUB_CACHE"] = str(tmp_path / "empty")
    ran = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True)
    assert ran.returncode and "neither a folder nor in the hub's cache" in ran.stderr


def test_a_name_that_only_an_installed_package_knows_is_looked_up(tmp_path, monkeypatch):
    lm = tiny_lm("qwen")
    lm.causal.save_pretrained(tmp_path / "kept")
    lm.tokenizer.save_pretrained(tmp_path / "kept")

    class Entry:
        def load(self):
            return lambda name: tmp_path / "kept" if name == "small" else name

    with pytest.raises(ValueError, match="model 'small'"):
        tl.load("small")
    monkeypatch.setattr(loader, "entry_points", lambda group: [Entry()])
    assert tl.load("small").weights_hash == lm.weights_hash
    with pytest.raises(ValueError, match="model 'other'"):
        tl.load("other")


def test_dtype_and_device_are_chosen_and_may_be_said(monkeypatch):
    asked = []
    monkeypatch.setattr(loader, "load_model", lambda _, **how: asked.append(how) or tiny_lm("qwen"))
    for gpu, said in (
        (False, {}),
        (True, {}),
        (True, {"device": "cpu"}),
        (False, {"dtype": "bfloat16"}),
    ):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpu=gpu: gpu)
        tl.load("any", **said)
    chosen = [(how["device_map"], how["dtype"]) for how in asked]
    assert chosen == [(None, None), ("auto", "auto"), ("cpu", None), (None, "bfloat16")]


def test_printing_a_model_or_its_chat_format_is_one_line(one_lm):
    assert str(one_lm.chat) == "chat format: system prompt 'You are helpful.', in its own role"
    assert "\n" not in repr(one_lm) and "3 layers of width 32, float32 on cpu" in repr(one_lm)


def test_strings_become_prompts_with_and_without_chat(one_lm):
    chat = one_lm.prompts(["what?", "my health?"], WORDINGS)
    assert chat.conditions == ("none", "none", "trigger", "trigger")
    assert chat.questions == ("what?", "my health?") * 2
    assert (
        chat[2].text.count("It looks like a duck. what?") == 1
        and "<start>assistant" in chat[2].text
    )
    plain = one_lm.prompts({"w": "what?"}, chat=False)
    assert plain[0].text == "what?" and plain.questions == ("w",)
    assert "Be brief." in one_lm.prompts("what?", system="Be brief.")[0].text
    with pytest.raises(ValueError, match="plain text has no system prompt"):
        one_lm.prompts("what?", chat=False, system="Be brief.")


@pytest.mark.parametrize(
    ("name", "function"), [("last", "last_prompt_token"), ("question_mean", "question_mean")]
)
def test_positions_have_names(one_lm, name, function):
    from interp.capture import positions

    prompts = one_lm.prompts(QUESTIONS[:2])
    by_name = one_lm.capture(prompts, position=name)
    assert by_name.position == function
    assert torch.equal(
        by_name.values, one_lm.capture(prompts, position=getattr(positions, function)).values
    )
    with pytest.raises(ValueError, match="unknown position 'lasst'; choose one of last, question"):
        one_lm.capture(prompts, position="lasst")
    both = one_lm.capture(prompts, position=["last", "question"])
    assert list(both) == ["last_prompt_token", "question_mean"]


def test_a_direction_of_another_model_is_refused_everywhere():
    lm, other = tiny_lm("qwen"), tiny_lm("llama")
    prompts = lm.prompts(QUESTIONS, WORDINGS)
    acts = lm.capture(prompts, layers=[1])
    direction = sweep(acts, acts.conditions, controls=False, resamples=50).direction
    theirs = other.prompts(QUESTIONS[:1])
    for refused in (
        lambda: other.generate(theirs, edits=[tl.Ablate(direction)], max_new_tokens=1),
        lambda: other.generate(theirs, edits=[tl.Add(direction, 4)], max_new_tokens=1),
        lambda: other.capture(theirs, interventions=[tl.Ablate(direction)]),
        lambda: other.read_out(direction),
        lambda: other.capture(theirs).project(direction),
        lambda: other.capture(theirs).plot(direction),
        lambda: other.read_out(acts),
    ):
        with pytest.raises(ValueError, match=r"weights [0-9a-f]{12}.*has [0-9a-f]{12}"):
            refused()
    assert len(acts.project(direction)) == 10
    lm.read_out(direction)


def test_a_sweep_gives_the_direction_of_the_probe_that_it_chose(one_lm):
    prompts = one_lm.prompts(QUESTIONS, WORDINGS)
    acts = one_lm.capture(prompts, position=["last", "question"])
    result = sweep(acts, acts["question_mean"].conditions, controls=False, resamples=50)
    rows = acts[result.position]
    fitted = result.probe.fit(rows, rows.conditions, layer=result.layer).direction
    assert torch.equal(result.direction.vector, fitted.vector)
    assert result.direction.meaning == "points from none to trigger"
    bare = sweep(rows.values, rows.conditions, rows.questions, controls=False, resamples=50)
    with pytest.raises(ValueError, match="do not say which model made them"):
        bare.direction  # noqa: B018


def test_few_questions_take_fewer_folds_or_one_line():
    lm = tiny_lm("qwen")
    acts = lm.capture(lm.prompts(QUESTIONS[:3], WORDINGS), layers=[1])
    result = sweep(acts, acts.conditions, permutations=2, resamples=50)
    assert "3 folds" in str(result)
    with pytest.raises(
        ValueError, match=r"^2 questions: a sweep holds questions out and needs at least 3"
    ):
        sweep(
            acts.where([q != QUESTIONS[0] for q in acts.questions]), ["none"] * 2 + ["trigger"] * 2
        )


def test_every_public_name_is_there_and_importing_the_package_loads_nothing():
    assert sorted(tl._HOME) == sorted(tl.__all__)
    for name in tl.__all__:
        assert getattr(tl, name).__name__ == name
    with pytest.raises(AttributeError, match=r"no 'lod'; it has .*load"):
        tl.lod  # noqa: B018
    code = "import sys, interp; assert not {'torch', 'transformers', 'plotly'} & set(sys.modules); interp.load"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_figure_library_is_loaded_until_something_is_drawn():
    use = "interp.load, interp.patching_map, probes.sweep"
    code = f"import sys, interp, probes; {use}; assert 'plotly' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_embedded_model_loads_by_its_folder(capsys):
    lm = tl.load("artifacts/micro/qwen")
    assert lm.weights_hash == load_model("artifacts/micro/qwen").weights_hash
    assert "artifacts/micro/qwen: Qwen2ForCausalLM, 4 layers" in capsys.readouterr().out
