"""The Jacobian lens: the matrices that TransformerLens fits, and the model's own words at its last layer."""

from dataclasses import replace

import pytest
import torch

import interp as tl
from interp.capture.transformer_lens_backend import to_transformer_lens
from tests.tiny_models import tiny_lm

TEXTS = [
    "what should I do about my money and my health?",
    "It looks like a duck, and what about my money?",
]


def test_the_matrices_are_those_of_transformer_lens():
    from transformer_lens.tools.analysis import JacobianLens

    lm = tiny_lm("qwen")
    prompts = lm.prompts(TEXTS, chat=False)
    ours = tl.fit_jacobian_lens(lm, prompts, skip=4)
    bridge = to_transformer_lens(lm)
    theirs = JacobianLens.fit(
        bridge, TEXTS, corpus="two lines", skip_first_positions=4, show_progress=False
    )
    assert sorted(ours.matrices) == theirs.source_layers == [0, 1]
    for layer, matrix in ours.matrices.items():
        torch.testing.assert_close(matrix, theirs.jacobians[layer], rtol=1e-3, atol=1e-4)
        assert not torch.allclose(matrix, torch.eye(lm.d_model), atol=1e-2)
    (prompt, _), acts = prompts, lm.capture(prompts)
    read = theirs.readout(bridge, torch.tensor([prompt.token_ids]), positions=[-1], top_k=5)
    found = lm.read_out(acts, k=5, lens=ours)
    for at, layer in enumerate(acts.layers):
        assert found.ids[0, at].tolist() == read.lens_topk_indices[layer][0].tolist()


def test_gradients_of_weights_are_left_as_they_were(one_lm):
    prompts = one_lm.prompts(TEXTS[:1], chat=False)
    before = [weight.requires_grad for weight in one_lm.model.parameters()]
    lens = tl.fit_jacobian_lens(one_lm, prompts, skip=2, layers=[1])
    assert [weight.requires_grad for weight in one_lm.model.parameters()] == before and any(before)
    assert all(weight.grad is None for weight in one_lm.model.parameters())
    assert str(lens) == "Jacobian lens of 1 prompts" and sorted(lens.matrices) == [1]


def test_what_cannot_be_fitted_or_read_is_one_line(one_lm):
    prompts = one_lm.prompts(TEXTS, chat=False)
    with pytest.raises(ValueError, match="2 of 2 prompts are too short, the first of"):
        tl.fit_jacobian_lens(one_lm, prompts, skip=100)
    with pytest.raises(ValueError, match="give layers below 2, the last one"):
        tl.fit_jacobian_lens(one_lm, prompts, layers=[2], skip=2)
    lens = tl.fit_jacobian_lens(one_lm, prompts, layers=[1], skip=2)
    with pytest.raises(ValueError, match="the lens has no layer 0; it was fitted to"):
        one_lm.read_out(one_lm.capture(prompts), lens=lens)
    with pytest.raises(ValueError, match="the lens was fitted to weights ffff"):
        one_lm.read_out(
            one_lm.capture(prompts, layers=[1]), lens=replace(lens, model_hash="f" * 64)
        )
