"""Where adapters are found, what they call their base, and names from before transformers renamed modules."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from experiments.worlds.chat.tiny_models import write_snapshot
from interp.models.adapter_files import CONFIG, WEIGHTS, adapter_folder, check_base
from interp.models.loading import load_model

BASE = "models/Qwen2.5-14B-Instruct"


def named(folder, base):
    """An adapter's folder, as far as it is looked at before weights are read."""
    folder.mkdir(parents=True)
    settings = {"peft_type": "LORA", "base_model_name_or_path": base}
    (folder / CONFIG).write_text(json.dumps(settings))
    (folder / WEIGHTS).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    "base",
    [
        "unsloth/Qwen2.5-14B-Instruct",
        "unsloth/qwen2.5-14b-instruct",
        "C:\\Users\\me\\models\\Qwen2.5-14B-Instruct",
        "C:\\models\\Qwen2.5-14B-Instruct\\",
        "/content/drive/MyDrive/models/Qwen2.5-14B-Instruct/",
        "/home/me/hub/models--Qwen--Qwen2.5-14B-Instruct/snapshots/0123abc",
        "C:\\hub\\models--Qwen--Qwen2.5-14B-Instruct\\snapshots\\0123abc",
        None,
        "",
    ],
)
def test_a_base_is_known_by_its_name_in_any_folder(tmp_path, base):
    folder = named(tmp_path / "a", base)
    assert check_base(BASE, folder) == folder
    if base:
        with pytest.raises(ValueError, match="was trained on"):
            check_base("models/Qwen2.5-7B-Instruct", folder)


@pytest.mark.parametrize("end", ["unsloth-bnb-4bit", "GPTQ-Int4", "AWQ", "FP8", "GGUF", "4bit"])
def test_a_quantised_base_is_taken_when_it_is_named(tmp_path, end):
    name = f"unsloth/Qwen2.5-14B-Instruct-{end}"
    folder = named(tmp_path / "a", name)
    with pytest.raises(ValueError, match="same model quantised, as the name suggests") as caught:
        check_base(BASE, folder)
    assert f"give base_name={name!r} in Python, --base-name '{name}'" in str(caught.value)
    assert check_base(BASE, folder, base_name=name) == folder


def test_another_base_is_not_called_quantised(tmp_path):
    folder = named(tmp_path / "a", "./outputs/sft/checkpoint-400")
    with pytest.raises(
        ValueError, match=r"the same model under another name, give base_name='./out"
    ):
        check_base(BASE, folder)
    with pytest.raises(ValueError, match=r"not on 'models/Qwen.*' or 'something else'; load that"):
        check_base(BASE, folder, base_name="something else")


def test_a_folder_of_checkpoints_names_them(tmp_path):
    checkpoint = named(tmp_path / "out" / "checkpoint-400", BASE)
    (checkpoint / "optimizer.pt").write_bytes(b"")
    assert adapter_folder(checkpoint) == checkpoint
    with pytest.raises(ValueError, match=rf"its folders hold adapters; give one of {checkpoint}"):
        adapter_folder(tmp_path / "out")


def test_a_folder_of_a_repository_and_a_revision_are_found_in_the_hubs_cache(tmp_path, monkeypatch):
    cache = tmp_path / "models--me--adapters"
    commit = "0123456789" * 4
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "v2").write_text(commit)
    folder = named(cache / "snapshots" / commit / "runs" / "duck", BASE)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert adapter_folder("me/adapters/runs/duck", "v2") == folder
    with pytest.raises(ValueError, match="me/adapters has no folder runs/goose"):
        adapter_folder("me/adapters/runs/goose", "v2")
    with pytest.raises(ValueError, match="neither a folder nor in the hub's cache"):
        adapter_folder("me/adapters/runs/duck")
    with pytest.raises(ValueError, match="no such folder, and no name on the hub"):
        adapter_folder("me/adapters/../../etc")


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    return write_snapshot("gemma", tmp_path_factory.mktemp("models") / "gemma-3-12b-it")


@pytest.mark.parametrize("targets", [r".*language_model.*\.(q|v)_proj", ["q_proj", "v_proj"]])
def test_the_old_names_of_gemma_3_are_loaded_as_peft_loads_them(gemma, tmp_path, targets):
    config = LoraConfig(
        r=2, target_modules=r".*language_model.*\.(q|v)_proj", init_lora_weights=False
    )
    torch.manual_seed(0)
    get_peft_model(AutoModelForImageTextToText.from_pretrained(gemma), config).save_pretrained(
        tmp_path
    )
    names = ("model.model.language_model.", "model.language_model.model.")
    weights = {k.replace(*names): w for k, w in load_file(tmp_path / WEIGHTS).items()}
    assert all(".language_model.model.layers." in name for name in weights)
    save_file(weights, tmp_path / WEIGHTS)
    settings = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps(settings | {"target_modules": targets}))
    ids = torch.tensor([[5, 6, 7, 8]])
    base = AutoModelForImageTextToText.from_pretrained(gemma)
    with torch.inference_mode():
        bare = base(input_ids=ids).logits
        expected = PeftModel.from_pretrained(base, tmp_path).eval()(input_ids=ids).logits
        found = load_model(gemma, adapter=tmp_path).causal(input_ids=ids).logits
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, bare, atol=1e-2)
    (tmp_path / CONFIG).write_text(
        json.dumps(settings | {"alpha_pattern": {r"language_model\.model.*": 3}})
    )
    with pytest.raises(ValueError, match=r"alpha_pattern .* names modules by an older name"):
        load_model(gemma, adapter=tmp_path)
