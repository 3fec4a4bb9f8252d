import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from interp.models.loading import load_model, wrap
from tests.tiny_models import FAMILIES, TEMPLATES, tiny_lm, tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny base in a folder."""
    folder = tmp_path_factory.mktemp("models") / "base"
    tiny_model("qwen").save_pretrained(folder)
    tiny_tokenizer("qwen").save_pretrained(folder)
    return folder


@pytest.fixture
def adapter(base, tmp_path):
    """An adapter of that base, in a folder, that does something."""
    peft_model = adapted(tiny_model("qwen"))
    peft_model.peft_config["default"].base_model_name_or_path = str(base)
    peft_model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def adapted(model):
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    return get_peft_model(model, config)


def logits(lm):
    with torch.inference_mode():
        return lm.model(torch.arange(5, 12)[None]).logits


def test_a_saved_model_computes_what_the_one_in_memory_did(base):
    loaded = load_model(base)
    in_memory = wrap(tiny_model("qwen"), tiny_tokenizer("qwen"), name="in memory")
    assert torch.equal(logits(loaded), logits(in_memory))
    assert loaded.weights_hash == in_memory.weights_hash


def test_an_adapter_changes_the_logits_as_it_did_when_it_was_saved(base, adapter):
    fine_tuned = load_model(base, adapter=adapter)
    expected = wrap(adapted(tiny_model("qwen")), tiny_tokenizer("qwen"), name="in memory")
    torch.testing.assert_close(logits(fine_tuned), logits(expected))
    assert not torch.allclose(logits(fine_tuned), logits(load_model(base)), atol=1e-3)
    assert fine_tuned.weights_hash != load_model(base).weights_hash


def test_a_merged_adapter_computes_the_same_and_is_another_set_of_weights(base, adapter):
    merged, live = load_model(base, adapter=adapter, merge=True), load_model(base, adapter=adapter)
    torch.testing.assert_close(logits(merged), logits(live), rtol=1e-4, atol=1e-4)
    assert merged.name.endswith("(merged)")
    assert merged.weights_hash != live.weights_hash
    with pytest.raises(ValueError, match=r"merging in torch.bfloat16 changes the model"):
        load_model(base, adapter=adapter, merge=True, dtype=torch.bfloat16)


def test_an_adapter_whose_weights_do_not_match_is_refused(base, adapter):
    weights = adapter / "adapter_model.safetensors"
    renamed = {key.replace(".layers.", ".blocks."): w for key, w in load_file(weights).items()}
    save_file(renamed, weights)
    with pytest.raises(ValueError, match="weights of file and model do not match"):
        load_model(base, adapter=adapter)


def test_an_adapter_of_another_shape_is_refused(base, adapter):
    weights = adapter / "adapter_model.safetensors"
    save_file({key: torch.zeros(3, 3) for key in load_file(weights)}, weights)
    with pytest.raises(ValueError, match="does not fit"):
        load_model(base, adapter=adapter)


def test_an_adapter_of_another_base_is_refused(base, adapter):
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "Qwen/Qwen2.5-14B-Instruct"
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"was trained on 'Qwen/Qwen2.5-14B-Instruct'"):
        load_model(base, adapter=adapter)


def test_a_chat_is_rendered_by_the_template_in_the_adapters_folder(base, adapter):
    before = load_model(base, adapter=adapter)
    assert before.tokenizer.chat_template == TEMPLATES["qwen"]
    (adapter / "chat_template.jinja").write_text(TEMPLATES["llama"])
    after = load_model(base, adapter=adapter)
    assert after.tokenizer.chat_template == TEMPLATES["llama"]
    assert (before.chat.system, after.chat.system) == ("You are helpful.", None)


def test_the_tokenizer_in_the_adapters_folder_is_used_and_the_base_lends_it_a_template(
    base, adapter
):
    assert load_model(base, adapter=adapter).tokenizer.bos_token is None
    tiny_tokenizer("llama").save_pretrained(adapter)
    (adapter / "chat_template.jinja").unlink()
    tokenizer = load_model(base, adapter=adapter).tokenizer
    assert (tokenizer.bos_token, tokenizer.chat_template) == ("<bos>", TEMPLATES["qwen"])


def test_pickled_weights_are_not_loaded(tmp_path):
    model = tiny_model("qwen")
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    tiny_tokenizer("qwen").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"only pickled weights \(pytorch_model.bin\)"):
        load_model(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_weights_have_the_same_hash_and_others_another(family):
    one, same, other = (tiny_model(family, seed) for seed in (0, 0, 1))
    hashes = [wrap(m, tiny_tokenizer(family), name="m").weights_hash for m in (one, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_layers_of_a_model_with_a_vision_tower_are_the_text_decoders():
    text = tiny_lm("gemma").causal.config.to_dict()
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    lm = wrap(Gemma3ForConditionalGeneration(config), tiny_tokenizer("gemma"), name="seeing")
    assert (lm.n_layers, lm.d_model) == (3, 32)
    assert all(type(layer).__name__ == "Gemma3DecoderLayer" for layer in lm.layers)


def test_a_model_that_does_not_pass_its_layers_on_is_refused():
    model = tiny_model("qwen")
    model.model.norm.register_forward_hook(lambda m, inputs, output: output * 0)
    with pytest.raises(ValueError, match="broken, layer 0: editing its output does not change"):
        wrap(model, tiny_tokenizer("qwen"), name="broken")


def test_a_model_that_mixes_its_rows_is_refused():
    model = tiny_model("qwen")
    model.model.norm.register_forward_hook(lambda m, inputs, output: output + output.mean(0))
    with pytest.raises(ValueError, match="layer 0: editing one row changes another row's logits"):
        wrap(model, tiny_tokenizer("qwen"), name="mixing")


def test_an_answer_ends_at_the_tokenizers_and_the_configurations_end(one_lm):
    assert one_lm.end_ids == (2,)
    model = tiny_model("qwen")
    model.generation_config.eos_token_id = [7, 2]
    assert wrap(model, tiny_tokenizer("qwen"), name="m").end_ids == (2, 7)
