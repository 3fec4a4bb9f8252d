"""Both ways with other libraries, by their own code: what they steer, encode and load is what we do, to 1e-4.

docs/howto/other_tools.md has a row for each of these tests, with the versions that they ran with.
"""

import base64
import copy
import json
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from house import ROOT
from tiny_models import tiny_lm, tiny_model

from interp.capture.api import capture
from interp.capture.positions import all_tokens
from interp.capture.sites import hooked
from interp.directions import Direction, unit
from interp.export.persona_vectors import export_persona, import_persona
from interp.export.steering import (
    export_steering,
    for_repeng,
    for_steering_vectors,
    import_steering,
)
from interp.interventions import Add
from interp.interventions.held import tensor_of
from interp.sae.autoencoder import load_sae
from interp.sae.sparsify import save_sparsify
from interp.sae.training import Recipe, topk, train_sae
from tests.other_tools import VERSIONS, theirs

CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def direction(lm, layer):
    vector = unit(torch.randn(32, generator=torch.Generator().manual_seed(layer)))
    return Direction(vector, layer, 4.0, "points from a to b", "mean", "means", lm.weights_hash, "switch")  # fmt: skip


@torch.inference_mode()
def logits(model, ids):
    return model(input_ids=ids).logits


@torch.inference_mode()
def ours(lm, ids, edits):
    """The logits with vectors added at every token."""
    added = {e.layers[0]: lambda h, e=e: h + e.alpha * tensor_of(e.vector) for e in edits}
    with hooked(lm, added):
        return lm.causal(ids).logits


@pytest.fixture
def steered(lm, prompts):
    """Directions, token ids, the logits with them added, and that these are not the intact ones."""
    directions = {direction(lm, 1): 0.5, direction(lm, 0): -1.5}
    edits = [Add.from_direction(each, strength) for each, strength in directions.items()]
    ids = torch.tensor([prompts[0].token_ids])
    wanted = ours(lm, ids, edits)
    assert not torch.allclose(wanted, logits(lm.causal, ids), atol=1e-2)
    own = capture(lm, prompts[:1], interventions=edits).at(2)
    assert not torch.allclose(own, capture(lm, prompts[:1]).at(2), atol=1e-2)
    return directions, ids, wanted


def test_repeng_steers_with_our_gguf_and_its_own_file_is_ours(steered, lm, tmp_path):
    repeng = theirs("repeng")
    _, ids, _ = steered
    given = {direction(lm, 1): 0.5, direction(lm, 2): 2.0}  # llama.cpp takes none at layer 0
    path = export_steering(tmp_path / "ours.gguf", lm, given)
    control = repeng.ControlVector.import_gguf(path)
    assert control == repeng.ControlVector(**for_repeng(path))
    wanted = ours(lm, ids, [Add.from_direction(*item) for item in given.items()])
    wrapped = repeng.ControlModel(copy.deepcopy(lm.causal), [1, 2])  # it changes its model
    wrapped.set_control(control)
    torch.testing.assert_close(logits(wrapped, ids), wanted, **CLOSE)
    control.export_gguf(tmp_path / "theirs.gguf")
    for back in (import_steering(tmp_path / "theirs.gguf", lm), import_steering(control.directions, lm)):  # fmt: skip
        torch.testing.assert_close(ours(lm, ids, back), wanted, **CLOSE)


def test_steering_vectors_steers_with_our_file_and_its_own_vector_is_ours(steered, lm, tmp_path):
    library = theirs("steering_vectors")
    directions, ids, wanted = steered
    path = export_steering(tmp_path / "v", lm, directions)
    vector = library.SteeringVector(**for_steering_vectors(path))
    with vector.apply(lm.causal):
        torch.testing.assert_close(logits(lm.causal, ids), wanted, **CLOSE)
    back = import_steering(vector.layer_activations, lm)
    torch.testing.assert_close(ours(lm, ids, back), wanted, **CLOSE)


def test_persona_vectors_steer_at_the_layer_before_their_row(steered, lm, tmp_path):
    directions, ids, wanted = steered
    rows = torch.load(export_persona(tmp_path / "evil.pt", lm, directions), weights_only=True)
    assert rows.shape == (lm.n_layers + 1, lm.d_model) and not rows[0].any() and not rows[-1].any()
    steering = {row - 1: lambda h, v=rows[row]: h + v for row in (1, 2)}  # their layer_idx=row-1
    with torch.inference_mode(), hooked(lm, steering):
        torch.testing.assert_close(lm.causal(ids).logits, wanted, **CLOSE)
    back = [import_persona(tmp_path / "evil.pt", lm, layer) for layer in (0, 1)]
    torch.testing.assert_close(ours(lm, ids, back), wanted, **CLOSE)
    hidden = lm.causal(ids, output_hidden_states=True).hidden_states  # what their rows are made of
    torch.testing.assert_close(hidden[2][0, -1:], capture_last(lm, ids, 1), **CLOSE)


def capture_last(lm, ids, layer):
    kept = []
    with torch.inference_mode(), hooked(lm, {layer: kept.append}):
        lm.causal(ids)
    return kept[0][0, -1:]


def test_what_is_no_persona_vector_of_this_model_is_one_line(one_lm, tmp_path):
    torch.save(torch.zeros(4, 8), tmp_path / "narrow.pt")
    torch.save({"evil": torch.zeros(4, 32)}, tmp_path / "named.pt")
    torch.save(torch.full((4, 32), float("nan")), tmp_path / "nan.pt")
    torch.save(Path("x"), tmp_path / "code.pt")
    (tmp_path / "cut.pt").write_bytes(b"cut short")
    torch.save(torch.zeros(4, 32), tmp_path / "good.pt")
    refused = {
        ("narrow.pt", 0): r"shape \[4, 8\]; persona vectors for .* have \[4, 32\]",
        ("named.pt", 0): "holds dict",
        ("nan.pt", 0): r"one finite tensor",
        ("code.pt", 0): "holds more than tensors",
        ("cut.pt", 0): "is damaged",
        ("good.pt", 2): "layer 2 has no row; give one from 0 to 1",
        ("nowhere.pt", 0): "no such file",
    }
    for (name, layer), message in refused.items():
        with pytest.raises(ValueError, match=message) as caught:
            import_persona(tmp_path / name, one_lm, layer)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="the last: its row would come after"):
        export_persona(tmp_path / "x.pt", one_lm, {direction(one_lm, 2): 1.0})


def test_vllm_lens_json_is_by_its_documented_format_and_reads_back(steered, lm, tmp_path):
    directions, ids, wanted = steered
    path = export_steering(tmp_path / "v.json", lm, directions)
    (vector,) = json.loads(path.read_text())
    encoded = vector["activations"]  # as vllm-lens decodes a tensor without compression
    rows = np.frombuffer(base64.b64decode(encoded["data"]), encoded["dtype"]).reshape(encoded["shape"])  # fmt: skip
    assert vector["scale"] == 1 and not vector["norm_match"] and vector["position_indices"] is None
    by_layer = dict(zip(vector["layer_indices"], torch.tensor(rows), strict=True))
    steering = {layer: lambda h, v=row: h + v for layer, row in by_layer.items()}
    with torch.inference_mode(), hooked(lm, steering):
        torch.testing.assert_close(lm.causal(ids).logits, wanted, **CLOSE)
    torch.testing.assert_close(ours(lm, ids, import_steering(path, lm)), wanted, **CLOSE)
    other = tiny_lm("llama" if lm.config.model_type == "qwen2" else "qwen")
    with pytest.raises(ValueError, match="was fitted to weights"):
        import_steering(path, other)


def test_vllm_lens_json_of_others_is_read_or_one_line(one_lm, tmp_path):
    import pyarrow as pa

    half = torch.arange(64.0).reshape(2, 32).bfloat16()
    raw = pa.compress(half.view(torch.int16).numpy().tobytes(), "zstd", asbytes=True)
    tensor = {"data": base64.b64encode(raw).decode(), "dtype": "int16", "shape": [2, 32]}
    tensor |= {"original_dtype": "torch.bfloat16", "compression": "zstd"}
    vector = {"activations": tensor, "layer_indices": [2, 0], "scale": 2.0}
    path = tmp_path / "v.json"
    path.write_text(json.dumps(vector))
    first, last = import_steering(path, one_lm)
    assert (first.layers, last.layers) == ((0,), (2,))
    assert torch.equal(last.vector, 2 * half[0].float()) and torch.equal(first.vector, 2 * half[1].float())  # fmt: skip
    refused = {
        "norm_match": ({"norm_match": True}, "restores norms or steers single positions"),
        "shape": ({"activations": tensor | {"shape": [2, 1, 32]}}, r"shape \[2, 1, 32\]"),
        "cut": ({"activations": tensor | {"data": "AAAA"}}, "is damaged"),
        "layer": ({"layer_indices": [7, 0]}, "for layer 7"),
        "more": ({"layer_indices": [0]}, "is damaged"),
    }
    direction(one_lm, 1).save(tmp_path / "saved")
    with pytest.raises(ValueError, match="give the path of a saved direction without its suffix"):
        import_steering(tmp_path / "saved.json", one_lm)
    for changes, message in refused.values():
        path.write_text(json.dumps([vector | changes]))
        with pytest.raises(ValueError, match=message) as caught:
            import_steering(path, one_lm)
        assert "\n" not in str(caught.value) and "v.json" in str(caught.value)


@pytest.fixture
def topk_sae(one_lm, some_prompts):
    activations = capture(one_lm, some_prompts, layers=[1], position=all_tokens)
    return train_sae(
        activations, Recipe(width=8, k=3, steps=30, rows=8), layer=1, architecture=topk
    )


def test_sparsify_encodes_as_we_do_and_its_own_folder_is_ours(topk_sae, one_lm, tmp_path):
    sparsify = theirs("sparsify", "eai_sparsify")
    x = torch.randn(6, 32)
    path = save_sparsify(topk_sae, tmp_path / "ours")
    assert path.name == "layers.1"
    coder = sparsify.SparseCoder.load_from_disk(path)
    check_same(topk_sae, coder, x)
    back = load_sae(path, one_lm)
    torch.testing.assert_close(back.encode(x), topk_sae.encode(x), **CLOSE)
    torch.manual_seed(1)
    made = sparsify.SparseCoder(32, sparsify.SparseCoderConfig(num_latents=64, k=5))
    torch.nn.init.normal_(made.b_dec)
    torch.nn.init.normal_(made.encoder.bias)
    made.save_to_disk(tmp_path / "layers.2.mlp")
    read = load_sae(tmp_path / "layers.2.mlp", one_lm)
    assert (read.place.layer, read.place.site, read.width) == (2, "mlp_out", 64)
    check_same(read, made, x)


@torch.no_grad()
def check_same(sae, coder, x):
    acts, indices, _ = coder.encode(x)
    encoded = sae.encode(x)
    torch.testing.assert_close(torch.zeros_like(encoded).scatter(1, indices, acts), encoded, **CLOSE)  # fmt: skip
    assert (encoded > 0).any()
    torch.testing.assert_close(sae.decode(encoded), coder.decode(acts, indices), **CLOSE)


def test_sae_lens_loads_what_we_save_with_our_numbers(topk_sae, tmp_path):
    from sae_lens import SAE

    topk_sae.save(tmp_path)
    x = torch.randn(6, 32)
    assert torch.equal(SAE.load_from_disk(tmp_path).encode(x), topk_sae.encode(x))


def test_peft_loads_the_adapter_that_we_train_and_we_load_what_peft_saves(tmp_path):
    from peft import LoraConfig, PeftModel, get_peft_model

    from interp.models.loading import load_model
    from tests.tiny_models import tiny_tokenizer

    base = tiny_model("llama")
    base.save_pretrained(tmp_path / "base")
    tiny_tokenizer("llama").save_pretrained(tmp_path / "base")
    config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
    config.base_model_name_or_path = str(tmp_path / "base")
    made = get_peft_model(tiny_model("llama"), config)
    made.save_pretrained(tmp_path / "adapter")
    ids = torch.tensor([[3, 5, 7, 9]])
    lm = load_model(tmp_path / "base", adapter=tmp_path / "adapter")
    torch.testing.assert_close(logits(lm.causal, ids), logits(made, ids), **CLOSE)
    assert not torch.allclose(logits(made, ids), logits(base, ids), atol=1e-2)
    again = PeftModel.from_pretrained(tiny_model("llama"), tmp_path / "adapter")
    torch.testing.assert_close(logits(again, ids), logits(lm.causal, ids), **CLOSE)


ROW = re.compile(
    r"^\| (?:\[?)([\w-]+)[^|]*\| ([^|]+) \| ([^|]+) \| ([^|]+) \| `([^`|]+)` \|$", re.M
)
INSTALLED = {
    "nnsight": "nnsight",
    "TransformerLens": "transformer-lens",
    "SAELens": "sae-lens",
    "PEFT": "peft",
    "llama": "gguf",
}
FETCHED = {"repeng": "repeng", "steering-vectors": "steering_vectors", "sparsify": "eai_sparsify"}


def test_every_row_of_the_page_names_the_version_and_the_test_that_it_was_tested_with():
    page = (ROOT / "docs/howto/other_tools.md").read_text("utf-8")
    rows = ROW.findall(page)
    tools = {tool for tool, *_ in rows}
    assert tools == {*INSTALLED, *FETCHED, "persona", "vllm-lens"}
    for tool, _, _, tested, test in rows:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), test
        if tool in INSTALLED:
            assert version(INSTALLED[tool]) in tested, tool
        elif tool in FETCHED:
            assert VERSIONS[FETCHED[tool]] in tested, tool
        else:
            assert "format" in tested, tool
