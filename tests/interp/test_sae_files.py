"""SAE folders as people release them: sae-lens's own numbers, or one line that says what to do."""

import json
from pathlib import Path

import pytest
import torch
from sae_lens import SAE
from safetensors.torch import save_file
from tiny_models import tiny_lm

from interp.capture.hook_points import HookPoint
from interp.sae.autoencoder import load_sae

WIDTH, FEATURES = 32, 48
OLD = {
    "d_in": WIDTH,
    "d_sae": FEATURES,
    "dtype": "torch.float32",
    "device": "cpu",
    "activation_fn_str": "relu",
    "hook_name": "blocks.1.hook_resid_post",
    "hook_layer": 1,
    "normalize_activations": "none",
    "sae_lens_training_version": "3.0.0",
}
NEW = {
    "architecture": "jumprelu",
    "d_in": WIDTH,
    "d_sae": FEATURES,
    "dtype": "float32",
    "device": "mps",
    "apply_b_dec_to_input": False,
    "normalize_activations": "none",
    "metadata": {"sae_lens_version": "6.0.0", "hook_name": "blocks.1.hook_resid_post"},
}
EARLY = {key: value for key, value in OLD.items() if key not in ("hook_name", "hook_layer")}


def weights(**more: torch.Tensor) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "W_enc": (WIDTH, FEATURES),
        "b_enc": (FEATURES,),
        "W_dec": (FEATURES, WIDTH),
        "b_dec": (WIDTH,),
    }
    return {k: 0.3 * torch.randn(*shape, generator=generator) for k, shape in shapes.items()} | more  # fmt: skip


def release(folder: Path, settings: object, tensors: dict[str, torch.Tensor]) -> Path:
    save_file(tensors, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps(settings))
    return folder


TOPK = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 4}}
ONES, TWOS = torch.ones(FEATURES), torch.full((FEATURES,), 2.0)
READ = {
    "device cuda:3": (OLD | {"device": "cuda:3"}, weights()),
    "device mps": (NEW, weights(threshold=torch.full((FEATURES,), 0.2))),
    "bfloat16": (OLD | {"dtype": "torch.bfloat16"}, {k: v.bfloat16() for k, v in weights().items()}),
    "float16": (OLD | {"dtype": "float16"}, {k: v.half() for k, v in weights().items()}),
    "topk": (OLD | TOPK, weights()),
    "hook_point": (EARLY | {"hook_point": "blocks.1.hook_resid_post"}, weights()),
    "a layer left open": (
        EARLY | {"hook_point": "blocks.{layer}.hook_resid_post", "hook_point_layer": 1},
        weights(),
    ),
    "a scaling factor of ones": (OLD, weights(scaling_factor=ONES)),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_a_release_is_read_with_sae_lens_own_numbers(kind: str, tmp_path: Path) -> None:
    folder = release(tmp_path, *READ[kind])
    sae, theirs = load_sae(folder, tiny_lm("qwen")), SAE.load_from_disk(folder, device="cpu")
    x = torch.randn(5, WIDTH)
    assert sae.place == HookPoint(1, "resid_post")
    assert torch.equal(sae.encode(x), theirs.encode(x))
    assert (sae.encode(x) > 0).any()


@pytest.mark.parametrize(
    "hook",
    ["layers.1", "language_model.model.layers.1", "transformer.h.1", "gpt_neox.layers.1.output"],
)
def test_modules_of_transformers_are_places_and_those_of_a_vision_tower_are_not(
    hook: str, tmp_path: Path
) -> None:
    release(tmp_path, OLD | {"hook_name": hook}, weights())
    assert load_sae(tmp_path, tiny_lm("qwen")).place == HookPoint(1, "resid_post")
    release(tmp_path, OLD | {"hook_name": f"vision_tower.{hook}"}, weights())
    with pytest.raises(ValueError, match=r"reads 'vision_tower\."):
        load_sae(tmp_path, tiny_lm("qwen"))


def test_an_mlp_module_is_mlp_out_except_where_its_output_is_normalised(tmp_path: Path) -> None:
    release(tmp_path, OLD | {"hook_name": "model.layers.1.mlp"}, weights())
    assert load_sae(tmp_path, tiny_lm("qwen")).place == HookPoint(1, "mlp_out")
    with pytest.raises(ValueError, match="before post_feedforward_layernorm"):
        load_sae(tmp_path, tiny_lm("gemma"))


BROKEN = weights()
BROKEN["W_dec"][0, 0] = float("nan")
REFUSED = {
    "a scaling factor": (OLD, weights(finetuning_scaling_factor=TWOS), "multiply the rows of W_dec by it"),
    "an older one": (OLD, weights(scaling_factor=TWOS), "holds 'scaling_factor'"),
    "one head": (OLD | {"hook_head_index": 2}, weights(), "reads head 2 of blocks.1.hook_resid_post"),
    "hook_z": (OLD | {"hook_name": "blocks.1.attn.hook_z"}, weights(), "reads 'blocks.1.attn.hook_z'"),
    "sparsify": ({"expansion_factor": 2, "num_latents": 48, "k": 4, "d_in": 32}, weights(), "EleutherAI's sparsify"),
    "no dtype": ({k: v for k, v in OLD.items() if k != "dtype"}, weights(), "has no 'dtype'"),
    "topk without k": (OLD | {"activation_fn_str": "topk"}, weights(), "topk without"),
    "another activation": (OLD | {"activation_fn_str": "tanh-relu"}, weights(), "activation 'tanh-relu'"),
    "a list": ([OLD], weights(), "cfg.json is a list, not an object"),
    "an unknown dtype": (OLD | {"dtype": "float7"}, weights(), "cannot be loaded by sae-lens"),
    "another width": (OLD | {"d_sae": 7}, weights(), "cannot be loaded by sae-lens"),
    "a weight missing": (OLD, {k: v for k, v in weights().items() if k != "b_enc"}, "cannot be loaded.*b_enc"),
    "an unhashable architecture": (OLD | {"architecture": ["standard"]}, weights(), "unknown architecture"),
    "NaN": (OLD, BROKEN, "1 of 1536 numbers of W_dec are NaN or infinite"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_sae_lens_would_not_read_as_it_was_trained_is_one_line(
    kind: str, tmp_path: Path
) -> None:
    settings, tensors, message = REFUSED[kind]
    release(tmp_path, settings, tensors)
    with pytest.raises(ValueError, match=message) as caught:
        load_sae(tmp_path, tiny_lm("qwen"))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("ae.pt", "dictionary_learning, pickled; pickles are not loaded"),
        ("sae.safetensors", "EleutherAI's sparsify"),
        ("params.npz", "Gemma Scope"),
    ],
)
def test_folders_of_other_libraries_are_named(file: str, message: str, tmp_path: Path) -> None:
    (tmp_path / file).touch()
    with pytest.raises(ValueError, match=message):
        load_sae(tmp_path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        load_sae(tmp_path / "nowhere")
    (tmp_path / "layer_1").mkdir()
    (tmp_path / "layer_1" / "cfg.json").write_text(json.dumps(OLD))
    with pytest.raises(ValueError, match=r"one of its folders, such as layer_1"):
        load_sae(tmp_path)
    with pytest.raises(ValueError, match=r"has no weights: no sae_weights\.safetensors"):
        load_sae(tmp_path / "layer_1")
    (tmp_path / "layer_1" / "sae_weights.safetensors").write_bytes(b"cut short")
    with pytest.raises(ValueError, match=r"sae_weights\.safetensors is damaged"):
        load_sae(tmp_path / "layer_1")
