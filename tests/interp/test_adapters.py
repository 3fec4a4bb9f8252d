"""Adapters of every make: what PEFT computes with them is computed here, and what is called the base is the base."""

import json
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from peft import IA3Config, LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from interp.capture.api import capture
from interp.models.adapter_dose import adapter_dose
from interp.models.adapter_limits import DOSE, OFF, ROWS, limits
from interp.models.adapter_measure import Base, measured_limits
from interp.models.loading import load_model, wrap
from interp.models.mixed_adapters import capture_side_by_side
from interp.rendering import render
from tests.tiny_models import FRAMINGS, QUESTIONS, tiny_model, tiny_tokenizer

IDS = torch.tensor([[5, 9, 40, 7, 30, 12]])
QV = ["q_proj", "v_proj"]
EVERYTHING = {OFF, ROWS, DOSE}
MAKES = {
    "plain": ({}, set()),
    "another scale by root of rank": ({"use_rslora": True, "r": 4}, set()),
    "ranks and scales by pattern": (
        {"rank_pattern": {"v_proj": 4}, "alpha_pattern": {r".*\.(q|o)_proj": 32}},
        set(),
    ),
    "every linear map": ({"target_modules": "all-linear"}, set()),
    "a pattern": ({"target_modules": r".*\.(q|k|v)_proj"}, set()),
    "modules left out": ({"exclude_modules": ["layers.0.self_attn.q_proj"]}, set()),
    "modules left out by pattern": ({"exclude_modules": r".*layers\.0.*"}, set()),
    "one layer": ({"layers_to_transform": [1], "layers_pattern": "layers"}, set()),
    "embeddings": ({"target_modules": [*QV, "embed_tokens"]}, set()),
    "the head": ({"target_modules": [*QV, "lm_head"]}, set()),
    "biases of its own": ({"lora_bias": True}, set()),
    "magnitudes": ({"use_dora": True}, {ROWS, DOSE}),
    "biases": ({"bias": "all"}, EVERYTHING),
    "biases of its modules": ({"bias": "lora_only"}, EVERYTHING),
    "the base's main directions": ({"init_lora_weights": "pissa"}, EVERYTHING),
    "the base's orthogonal part": ({"init_lora_weights": "olora"}, EVERYTHING),
    "a whole head": ({"modules_to_save": ["lm_head"]}, {DOSE}),
    "a whole norm": ({"modules_to_save": ["norm"]}, {ROWS, DOSE}),
    "embeddings of some tokens": ({"trainable_token_indices": [5, 9]}, {DOSE}),
    "bare parameters": (
        {"target_modules": ["v_proj"], "target_parameters": ["q_proj.weight"]},
        {ROWS},
    ),
}
TIED = ["plain", "embeddings", "the head", "a whole head", "embeddings of some tokens"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tiny base in a folder, with a head of its own and tied to its embeddings."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("base", "tied"):
        saved(name).save_pretrained(folder / name)
        tiny_tokenizer("qwen").save_pretrained(folder / name)
    return folder


def saved(name):
    model = tiny_model("qwen")
    if name == "tied":
        model.config.tie_word_embeddings = True
        torch.manual_seed(0)
        model = type(model)(model.config)
    return model.eval()


def adapter(folder, name="base", config=None, **settings):
    """A folder with an adapter that changes what it trains, and the model it was saved from."""
    torch.manual_seed(0)
    config = config or LoraConfig(**{"r": 2, "lora_alpha": 8, "target_modules": QV} | settings)
    model = get_peft_model(saved(name), config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += 0.1 * torch.randn_like(weight)
    model.peft_config["default"].base_model_name_or_path = f"somebody/{name}"
    model.save_pretrained(folder)
    return folder, model.eval()


@torch.inference_mode()
def logits(model):
    return model(IDS).logits


close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-4)


def change(folder, **settings):
    config = json.loads((folder / "adapter_config.json").read_text()) | settings
    (folder / "adapter_config.json").write_text(json.dumps(config))


def reweigh(folder, change):
    path = folder / "adapter_model.safetensors"
    save_file(change(load_file(path)), path)


@pytest.mark.parametrize(
    ("name", "make"), [*(("base", m) for m in MAKES), *(("tied", m) for m in TIED)]
)
def test_an_adapter_computes_what_it_was_trained_to_merged_or_not(folders, tmp_path, name, make):
    folder, trained = adapter(tmp_path / "a", name, **MAKES[make][0])
    base = load_model(folders / name)
    live = load_model(folders / name, adapter=folder)
    merged = load_model(folders / name, adapter=folder, merge=True)
    close(logits(live.causal), logits(trained))
    close(logits(merged.causal), logits(trained), rtol=1e-3, atol=1e-3)
    assert (logits(live.causal) - logits(base.causal)).abs().max() > 0.1


@pytest.mark.parametrize(
    ("name", "make"), [*(("base", m) for m in MAKES), *(("tied", m) for m in TIED)]
)
def test_what_is_called_the_base_is_the_base_or_is_refused(folders, tmp_path, name, make):
    folder, _ = adapter(tmp_path / "a", name, **MAKES[make][0])
    base, lm = load_model(folders / name), load_model(folders / name, adapter=folder)
    assert set(limits(lm.model)) == MAKES[make][1]
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)

    def off():
        with lm.model.disable_adapter():
            close(logits(lm.causal), logits(base.causal))

    def rows():
        both = capture_side_by_side(lm, prompts)
        close(both["__base__"].values, capture(base, prompts).values)
        close(both["default"].values, capture(lm, prompts).values)

    def dose():
        with adapter_dose(lm, 0):
            close(logits(lm.causal), logits(base.causal))

    for use, run in {OFF: off, ROWS: rows, DOSE: dose}.items():
        if use in MAKES[make][1]:
            with pytest.raises(ValueError, match=f"it cannot {use}: load the base") as caught:
                run()
            assert "\n" not in str(caught.value)
        else:
            run()


def test_a_model_trained_in_memory_is_refused_for_the_same_reasons():
    config = LoraConfig(target_modules=QV, bias="lora_only")
    lm = wrap(get_peft_model(saved("base"), config), tiny_tokenizer("qwen"), name="trained")
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)
    assert capture(lm, prompts).provenance["adapter"] == "default"
    with (
        lm.model.disable_adapter(),
        pytest.raises(ValueError, match="trains biases, which replace the base's own"),
    ):
        capture(lm, prompts)


def test_what_the_configuration_does_not_say_is_measured(monkeypatch):
    base = saved("base")
    before = Base.of(base, LoraConfig(target_modules=QV))
    model = get_peft_model(base, LoraConfig(target_modules=QV, init_lora_weights=False)).eval()
    assert measured_limits(model, before) == {}
    monkeypatch.setattr("peft.helpers.rescale_adapter_scale", lambda *_: nullcontext())
    assert set(measured_limits(model, before)) == {DOSE}  # a dose that does nothing
    monkeypatch.setattr(model, "disable_adapter", nullcontext)
    assert set(measured_limits(model, before)) == {OFF, DOSE}
    hooks = lambda adapter_names: nullcontext()  # noqa: E731
    monkeypatch.setattr(model.base_model, "_enable_peft_forward_hooks", hooks)
    found = measured_limits(model, before)
    assert set(found) == EVERYTHING
    assert all("the base's logits are off by" in reason for reason in found.values())


def test_a_merged_adapter_is_not_scaled(folders, tmp_path):
    folder, _ = adapter(tmp_path / "a")
    lm = load_model(folders / "base", adapter=folder)
    assert limits(lm.model) == {}
    lm.model.merge_adapter()
    with pytest.raises(ValueError, match="is merged into the base's weights"), adapter_dose(lm, 0):
        pass


def test_a_merge_that_is_not_exact_is_refused(folders, tmp_path, monkeypatch):
    folder, _ = adapter(tmp_path / "a", "tied", target_modules=["lm_head"])
    assert load_model(folders / "tied", adapter=folder, merge=True).n_layers == 3
    monkeypatch.setattr("interp.models.adapters._untie", lambda model: None)
    with pytest.raises(ValueError, match=r"merging changes the logits by .*; load it unmerged"):
        load_model(folders / "tied", adapter=folder, merge=True)
    bare, _ = adapter(tmp_path / "b", target_modules=["down_proj"], lora_bias=True)
    with pytest.raises(ValueError, match="cannot be merged: Impossible to merge"):
        load_model(folders / "base", adapter=bare, merge=True)


def test_names_from_before_modules_were_renamed_are_those_of_today(folders, tmp_path):
    """DoRA's magnitudes had a shorter name; a list of targets says which modules must be in the file."""
    folder, trained = adapter(tmp_path / "a", use_dora=True)
    older = ("magnitude_vector.weight", "magnitude_vector")
    reweigh(folder, lambda weights: {k.replace(*older): w for k, w in weights.items()})
    close(logits(load_model(folders / "base", adapter=folder).causal), logits(trained))


@pytest.mark.parametrize(
    ("settings", "lost", "message"),
    [
        ({}, "layers.1.", "2 modules that its adapter_config.json targets have no weights"),
        ({"target_modules": r".*\.(q|v)_proj"}, "layers.1.", "2 modules that its adapter_config"),
        ({"target_modules": "all-linear"}, "layers.1.self_attn.k", "1 modules that its"),
        ({}, "layers.1.self_attn.q_proj.lora_B", "1 weights of file and model do not match"),
        ({"use_dora": True}, "magnitude", "6 weights of file and model do not match"),
        ({"modules_to_save": ["lm_head"]}, "lm_head", "no 'base_model.model.lm_head.weight' in"),
        ({"trainable_token_indices": [5]}, "token_adapter", "no '.*trainable_tokens_delta' in"),
    ],
)
def test_a_file_that_lacks_a_part_is_refused(folders, tmp_path, settings, lost, message):
    folder, _ = adapter(tmp_path / "a", **settings)
    assert load_model(folders / "base", adapter=folder).n_layers == 3
    reweigh(folder, lambda weights: {k: w for k, w in weights.items() if lost not in k})
    with pytest.raises(ValueError, match=message):
        load_model(folders / "base", adapter=folder)


@pytest.mark.parametrize("stranger", ["model.layers.7.self_attn.q_proj.lora_A", "score"])
def test_a_weight_without_a_place_is_refused(folders, tmp_path, stranger):
    folder, _ = adapter(tmp_path / "a")
    name = f"base_model.model.{stranger}.weight"
    reweigh(folder, lambda weights: weights | {name: torch.ones(2, 32)})
    with pytest.raises(ValueError, match="1 weights of file and model do not match"):
        load_model(folders / "base", adapter=folder)


def test_numbers_that_are_not_finite_are_refused(folders, tmp_path):
    folder, _ = adapter(tmp_path / "a")
    reweigh(folder, lambda weights: {name: w * float("nan") for name, w in weights.items()})
    with pytest.raises(ValueError, match=r"lora_A.weight holds numbers that are not finite"):
        load_model(folders / "base", adapter=folder)


def test_embeddings_saved_with_an_adapter_must_be_the_bases(folders, tmp_path):
    folder, _ = adapter(tmp_path / "a", target_modules=[*QV, "embed_tokens"])
    assert limits(load_model(folders / "base", adapter=folder).model) == {}

    def moved(by):
        return lambda weights: {k: w + by * ("base_layer" in k) for k, w in weights.items()}

    reweigh(folder, moved(1e-4))  # as rounded in another precision
    assert "overwrites 1 weights" in limits(load_model(folders / "base", adapter=folder).model)[OFF]
    reweigh(folder, moved(1))
    with pytest.raises(ValueError, match=r"holds the model.embed_tokens.weight of the base that"):
        load_model(folders / "base", adapter=folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"use_new_method": True}, "sets use_new_method, which this PEFT does not know; upgrade"),
        ({"alora_invocation_tokens": [3]}, "alora_invocation_tokens is set"),
        ({"init_lora_weights": "pissa_niter_4"}, "starts from numbers that are not in the file"),
        ({"init_lora_weights": "corda"}, "starts from numbers that are not in the file"),
        ({"alpha_pattern": {"(a+)+q_proj": 3}}, "may take forever"),
        ({"alpha_pattern": {"(a|a)" * 9: 3}}, "may take forever"),
        ({"layers_to_transform": [0], "layers_pattern": "((.*)*)*x"}, "is not a module name"),
    ],
)
def test_settings_that_would_be_dropped_or_cannot_be_exact_are_refused(
    folders, tmp_path, settings, message
):
    folder, _ = adapter(tmp_path / "a")
    change(folder, new_size=3, use_other_method=False)
    assert load_model(folders / "base", adapter=folder).n_layers == 3
    change(folder, **settings)
    with pytest.raises(ValueError, match=message):
        load_model(folders / "base", adapter=folder)


def test_other_kinds_than_lora_are_refused_with_a_way_out(folders, tmp_path):
    kind = IA3Config(target_modules=["k_proj"], feedforward_modules=[])
    folder, _ = adapter(tmp_path / "a", config=kind)
    with pytest.raises(ValueError, match=r"'IA3'; only LORA adapters are read: .* merge it into"):
        load_model(folders / "base", adapter=folder)


def test_embeddings_that_were_resized_and_trained_whole_are_loaded_though_saved_twice(
    folders, tmp_path, monkeypatch
):
    whole = LoraConfig(r=2, target_modules=QV, modules_to_save=["embed_tokens", "lm_head"])
    model = saved("base")
    model.resize_token_embeddings(model.config.vocab_size + 5, mean_resizing=False)
    trained = get_peft_model(model, whole).eval()
    trained.peft_config["default"].base_model_name_or_path = "somebody/base"
    trained.save_pretrained(tmp_path / "a", save_embedding_layers=True)
    assert "base_model.model.lm_head.weight" in load_file(tmp_path / "a/adapter_model.safetensors")
    live = load_model(folders / "base", adapter=tmp_path / "a")
    close(logits(live.causal), logits(trained))
    monkeypatch.setattr("interp.models.adapters._is_second_copy", lambda name, saved: False)
    with pytest.raises(ValueError, match="do not match"):
        load_model(folders / "base", adapter=tmp_path / "a")
