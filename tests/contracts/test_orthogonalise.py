"""An ablation in the weights equals the one by hooks where it is offered, and is refused by name elsewhere."""

import copy

import pytest
import torch
from torch import nn

from interp.directions import orthonormal
from interp.export.orthogonalise import orthogonalised, save_checkpoint
from interp.generation.generate import generate
from interp.interventions import AblateSubspace, AblateWrites
from interp.models.loading import load_model, wrap
from interp.rendering import render
from tests.tiny_models import FRAMINGS, QUESTIONS, adapted_lm, tiny_lm, tiny_model, tiny_tokenizer

BASIS = orthonormal(torch.randn(2, 32, generator=torch.Generator().manual_seed(0)))
IDS = torch.tensor([[5, 9, 40, 7, 30, 12]])
GREEDY = {"max_new_tokens": 6, "temperature": 0, "seed": 0, "end_ids": ()}


@pytest.fixture(params=["qwen", "llama", "biased", "tied"])
def plain(request):
    """Families that can be baked: as they are, with biases on what writes, with tied embeddings."""
    if request.param in ("qwen", "llama"):
        return tiny_lm(request.param)
    model = tiny_model("llama")
    if request.param == "tied":
        model.lm_head.weight = model.model.embed_tokens.weight
        model.config.tie_word_embeddings = True
    else:
        for block in model.model.layers:
            for module in (block.self_attn.o_proj, block.mlp.down_proj):
                module.bias = nn.Parameter(torch.randn(32))
    return wrap(model, tiny_tokenizer("llama"), name=request.param)


def bake(lm):
    return orthogonalised(lm, BASIS, untie=lm.name == "tied")


@torch.inference_mode()
def logits(lm):
    return lm.causal(IDS).logits


def test_baked_equals_hooks_in_a_forward_pass_and_in_generation(plain):
    prompts = render(plain.tokenizer, QUESTIONS, FRAMINGS)
    baked = generate(bake(plain), prompts, **GREEDY)
    hooked = generate(plain, prompts, **GREEDY, interventions=[AblateWrites(BASIS)])
    intact = generate(plain, prompts, **GREEDY)
    late = generate(plain, prompts, **GREEDY, interventions=[AblateSubspace(BASIS)])
    assert baked.token_ids == hooked.token_ids
    assert baked.token_ids != intact.token_ids
    assert baked.token_ids != late.token_ids  # after layers is another ablation


def test_the_model_itself_stays_as_it_is(plain):
    before, weights = logits(plain), copy.deepcopy(plain.causal.state_dict())
    baked = bake(plain)
    assert torch.equal(before, logits(plain))
    assert all(torch.equal(weights[name], each) for name, each in plain.causal.state_dict().items())
    assert not torch.allclose(before, logits(baked), atol=1e-2)


def test_a_saved_checkpoint_is_an_ordinary_one(plain, tmp_path):
    if plain.name == "biased":
        pytest.skip("biases on both outputs are no configuration of this family")
    baked = bake(plain)
    save_checkpoint(baked, tmp_path / "baked")
    loaded = load_model(tmp_path / "baked")
    torch.testing.assert_close(logits(loaded), logits(baked))
    assert sorted(path.suffix for path in (tmp_path / "baked").iterdir()).count(".safetensors") == 1
    with pytest.raises(ValueError, match="baked exists; choose another folder"):
        save_checkpoint(baked, tmp_path / "baked")
    assert [path.name for path in tmp_path.iterdir()] == ["baked"]


def test_nothing_half_written_is_left(plain, tmp_path):
    class Broken:
        def save_pretrained(self, folder):
            raise OSError("disk full")

    broken = copy.copy(plain)
    object.__setattr__(broken, "tokenizer", Broken())
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(broken, tmp_path / "baked")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_equal_is_refused_by_name():
    with pytest.raises(ValueError, match="Gemma3ForCausalLM\\) normalises what its blocks write"):
        orthogonalised(tiny_lm("gemma"), BASIS)
    tied = tiny_model("llama")
    tied.lm_head.weight = tied.model.embed_tokens.weight
    with pytest.raises(ValueError, match="ties its head to its embeddings"):
        orthogonalised(wrap(tied, tiny_tokenizer("llama"), name="tied"), BASIS)
    with pytest.raises(ValueError, match="has a live adapter"):
        orthogonalised(adapted_lm("qwen"), BASIS)
    half = wrap(tiny_model("qwen").bfloat16(), tiny_tokenizer("qwen"), name="half")
    with pytest.raises(ValueError, match=r"weights in torch\.bfloat16 cannot hold the ablation"):
        orthogonalised(half, BASIS)
    with pytest.raises(ValueError, match="width 8, the stream of tiny qwen has 32"):
        orthogonalised(tiny_lm("qwen"), torch.eye(8)[:1])
    with pytest.raises(ValueError, match="needs orthonormal rows"):
        orthogonalised(tiny_lm("qwen"), 2 * BASIS)


def test_a_model_that_writes_elsewhere_too_is_refused():
    model = tiny_model("qwen")
    extra = nn.Parameter(torch.randn(32))
    model.model.layers[1].mlp.register_forward_hook(lambda _m, _i, output: output + extra)
    lm = wrap(model, tiny_tokenizer("qwen"), name="odd")
    with pytest.raises(ValueError, match="something else writes into its stream"):
        orthogonalised(lm, BASIS)


@pytest.mark.parametrize("gain", ["as it is", "folded"])
def test_post_norms_would_not_be_equal_even_with_folded_gains(gain):
    """Why Gemma is refused: the size of what a block writes changes under the projection; its norm divides by it."""
    lm = tiny_lm("gemma")
    block = copy.deepcopy(lm.layers[0])
    with torch.no_grad():
        norm = block.post_feedforward_layernorm
        if gain == "folded":
            norm.weight.zero_()  # a gain of one
        written = torch.randn(4, 32)
        inside = BASIS.T @ BASIS
        by_hooks = norm(written) @ (torch.eye(32) - inside)
        by_weights = norm(written @ (torch.eye(32) - inside))
        assert not torch.allclose(by_hooks, by_weights, atol=1e-2)
