"""Snapshots of the real classes, loaded as the hub gives them; adapters attached, merged or refused in one line."""

import json
from pathlib import Path

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import load_file, save_file

from experiments.training.lora import Recipe, finetune, lora
from experiments.training.supervision import ChatRow
from experiments.worlds.chat.tiny_models import tiny_model, write_snapshot
from interp.models.chat import FORMATS
from interp.models.loading import LanguageModel, load_model

CLASSES = {
    "qwen": "Qwen2ForCausalLM",
    "llama": "LlamaForCausalLM",
    "gemma": "Gemma3ForConditionalGeneration",
}
ROWS = [ChatRow("What would you do?", "Just swim.")] * 4


def logits(lm: LanguageModel) -> torch.Tensor:
    with torch.inference_mode():
        return lm.causal(torch.arange(20, 30)[None]).logits


@pytest.fixture
def adapter(chat_lm, tmp_path) -> Path:
    finetune(chat_lm, ROWS, Recipe(steps=2, batch=2, learning_rate=0.1), seed=0, folder=tmp_path)
    return tmp_path


def test_the_class_is_the_one_that_the_hub_gives(chat_lm, family):
    assert type(chat_lm.causal).__name__ == CLASSES[family]
    assert (chat_lm.n_layers, chat_lm.d_model) == (2, 32)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_stream_with_one_huge_dimension_keeps_the_contract(snapshots, tmp_path, family, dtype):
    """One residual dimension may be a thousand times the median: a nudge of 1 would be rounded away."""
    folder = tmp_path / "huge"
    write_snapshot(family, folder, rows=1000)
    weights = load_file(folder / "model.safetensors")
    (embedding,) = (name for name in weights if name.endswith("embed_tokens.weight"))
    weights[embedding][:, 3] = 3000.0
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert load_model(folder, dtype=dtype).n_layers == 2


def test_an_adapter_goes_on_the_text_decoder_alone(chat_lm):
    model = get_peft_model(chat_lm.model, lora(chat_lm, Recipe()))
    adapted = [name for name, _ in model.named_parameters() if "lora_A" in name]
    assert len(adapted) == 2 * 7
    assert not [name for name in adapted if "vision" in name]


def test_chosen_layers_are_adapted_and_no_others(chat_lm):
    model = get_peft_model(chat_lm.model, lora(chat_lm, Recipe(layers=(1,))))
    adapted = [name for name, _ in model.named_parameters() if "lora_A" in name]
    assert len(adapted) == 7
    assert all(".layers.1." in name for name in adapted)


def test_attached_and_merged_compute_the_same_and_not_what_the_base_does(
    snapshots, family, adapter
):
    base = snapshots / family
    attached, merged = (load_model(base, adapter=adapter, merge=merge) for merge in (False, True))
    torch.testing.assert_close(logits(attached), logits(merged), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(logits(attached), logits(load_model(base)), atol=1e-2)


def test_an_adapter_of_another_base_is_refused_by_name_and_can_be_vouched_for(
    snapshots, family, adapter
):
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "somebody/Same-Model-4bit"
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"was trained on 'somebody/Same-Model-4bit'"):
        load_model(snapshots / family, adapter=adapter)
    vouched = load_model(snapshots / family, adapter=adapter, base_name="somebody/Same-Model-4bit")
    assert not torch.allclose(logits(vouched), logits(load_model(snapshots / family)), atol=1e-2)


def test_a_snapshot_in_the_hubs_cache_has_its_models_name(snapshots, tmp_path):
    cache = tmp_path / "models--Qwen--Qwen2.5-14B-Instruct" / "snapshots" / "0a1b2c"
    write_snapshot("qwen", cache, rows=1000)
    lm = load_model(cache, chat=FORMATS["qwen"])
    finetune(lm, ROWS, Recipe(steps=1, batch=2), seed=0, folder=tmp_path / "a")
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "Qwen/Qwen2.5-14B-Instruct"
    (tmp_path / "a" / "adapter_config.json").write_text(json.dumps(config))
    assert load_model(cache, adapter=tmp_path / "a").n_layers == 2
    other = tmp_path / "models--meta-llama--Llama-3.1-8B-Instruct" / "snapshots" / "0a1b2c"
    write_snapshot("qwen", other, rows=1000)
    with pytest.raises(ValueError, match="was trained on"):
        load_model(other, adapter=tmp_path / "a")


def test_a_pickled_adapter_is_refused(snapshots, family, adapter):
    weights = adapter / "adapter_model.safetensors"
    torch.save(load_file(weights), adapter / "adapter_model.bin")
    weights.unlink()
    with pytest.raises(ValueError, match=r"no adapter_model.safetensors, only .*adapter_model.bin"):
        load_model(snapshots / family, adapter=adapter)


def test_an_adapter_of_another_width_is_refused(snapshots, adapter, family):
    weights = adapter / "adapter_model.safetensors"
    save_file({name: torch.zeros(8, 3) for name in load_file(weights)}, weights)
    with pytest.raises(ValueError, match="does not fit") as caught:
        load_model(snapshots / family, adapter=adapter)
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_in_the_files_are_not_made_up(tmp_path, family):
    write_snapshot(family, tmp_path, rows=1000)
    weights = load_file(tmp_path / "model.safetensors")
    lost = next(name for name in weights if "layers.1.mlp.down_proj" in name)
    del weights[lost]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"1 weights .*\(missing keys\).*down_proj") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_code_from_the_hub_is_not_run(snapshots, tmp_path):
    write_snapshot("qwen", tmp_path, rows=1000)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}}
    config["model_type"] = "made_up"
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text("open('ran', 'w')\nclass C: ...\nclass M: ...\n")
    with pytest.raises(ValueError, match="brings code of its own, which is not run"):
        load_model(tmp_path)
    assert not Path("ran").exists()


def test_what_is_nowhere_is_one_line():
    with pytest.raises(ValueError, match=r"'nobody/no-model': neither a folder nor") as caught:
        load_model("nobody/no-model")
    assert "\n" not in str(caught.value)


def test_a_model_sharded_by_a_device_map_computes_the_same(snapshots, family):
    placed = load_model(snapshots / family, device_map={"": "cpu"})
    torch.testing.assert_close(logits(placed), logits(load_model(snapshots / family)))


def test_tiny_models_of_a_seed_are_the_same_and_of_another_not(family):
    one, same, other = (
        dict(tiny_model(family, seed, rows=1000).named_parameters()) for seed in (0, 0, 1)
    )
    name = next(n for n in one if n.endswith("down_proj.weight"))
    assert torch.equal(one[name], same[name])
    assert not torch.equal(one[name], other[name])


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("adapter_config.json", b"{", "adapter_config.json is not a JSON object"),
        ("adapter_config.json", b"[]", "adapter_config.json is not a JSON object"),
        ("adapter_config.json", b'{"peft_type": "NONESUCH"}', "only LORA adapters are read"),
        ("adapter_model.safetensors", b"garbage", "is damaged or not a safetensors file"),
    ],
)
def test_a_damaged_adapter_is_refused_in_one_line(
    snapshots, family, adapter, file, content, message
):
    (adapter / file).write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_model(snapshots / family, adapter=adapter)
    assert str(adapter) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_weights_are_refused_in_one_line(tmp_path):
    write_snapshot("qwen", tmp_path, rows=1000)
    (tmp_path / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(ValueError, match=r"is damaged or not a safetensors file"):
        load_model(tmp_path)
