"""Swapping coordinates in a subspace: what a swap changes and leaves, and that training finds what the donors carry."""

from dataclasses import replace

import pytest
import torch

from interp.directions import orthonormal
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.interventions import Patch, PromptSpan
from interp.models.language_model import LanguageModel
from interp.optimise.interchange import Swap, span_streams, train_interchange
from interp.prompts import PromptSet

LAYER = 1


def basis(rank: int, width: int = 32) -> torch.Tensor:
    return orthonormal(torch.randn(rank, width, generator=torch.Generator().manual_seed(3)))


def said(lm: LanguageModel, prompts: PromptSet) -> Completions:
    return generate(lm, prompts, samples_per_prompt=2, max_new_tokens=4, seed=0)


def halves(prompts: PromptSet) -> tuple[PromptSet, PromptSet]:
    return prompts.where(condition="none"), prompts.where(condition="trigger")


def swap_between(lm: LanguageModel, prompts: PromptSet) -> Swap:
    """The trigger's header into the same question without it, which is to answer as the trigger does."""
    none, trigger = halves(prompts)
    return Swap(said(lm, trigger), none, span_streams(lm, trigger, LAYER, "header"))


def test_a_swap_moves_the_coordinates_in_the_subspace_and_nothing_else(
    lm: LanguageModel, prompts: PromptSet
) -> None:
    none, trigger = halves(prompts)
    own, donors = (span_streams(lm, each, LAYER, "header") for each in (none, trigger))
    b = basis(3)
    patch = Patch({LAYER: donors}, PromptSpan("header"), b)
    after = lm.capture(none, layers=[LAYER], position="last", interventions=[patch]).at(LAYER)
    torch.testing.assert_close(after @ b.T, donors[:, -1] @ b.T, atol=1e-4, rtol=1e-4)
    rest = torch.eye(32) - b.T @ b
    torch.testing.assert_close(after @ rest, own[:, -1] @ rest, atol=1e-4, rtol=1e-4)


def test_all_dimensions_are_a_plain_patch_and_the_prompts_own_stream_is_no_change(
    lm: LanguageModel, prompts: PromptSet
) -> None:
    none, trigger = halves(prompts)
    own, donors = (span_streams(lm, each, LAYER, "header") for each in (none, trigger))
    read = {"layers": [lm.n_layers - 1], "position": "last"}

    def under(*edits: Patch) -> torch.Tensor:
        return lm.capture(none, **read, interventions=list(edits)).values

    span = PromptSpan("header")
    whole = under(Patch({LAYER: donors}, span, torch.eye(32)))
    torch.testing.assert_close(whole, under(Patch({LAYER: donors}, span)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        under(Patch({LAYER: own}, span, basis(3))), under(), atol=1e-4, rtol=1e-4
    )
    assert not torch.allclose(whole, under(), atol=1e-2)


def test_training_lowers_the_loss_and_keeps_the_rows_orthonormal(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    swap = swap_between(one_lm, some_prompts)
    found = train_interchange(one_lm, [swap], LAYER, rank=4, steps=60, seed=0)
    assert found.losses[-1] < 0.85 * found.losses[0]
    torch.testing.assert_close(found.basis @ found.basis.T, torch.eye(4), atol=1e-5, rtol=0)
    again = train_interchange(one_lm, [swap], LAYER, rank=4, steps=60, seed=0)
    assert torch.equal(again.basis, found.basis)
    assert all(weight.grad is None for weight in one_lm.model.parameters())


def test_a_subspace_stays_out_of_what_it_may_not_hold(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    swap, other = swap_between(one_lm, some_prompts), basis(2)
    found = train_interchange(one_lm, [swap], LAYER, rank=2, steps=8, orthogonal_to=other)
    assert float((found.basis @ other.T).abs().max()) < 1e-5


def test_what_does_not_belong_together_is_refused(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    swap = swap_between(one_lm, some_prompts)
    with pytest.raises(ValueError, match="a swap has 3 prompts, 2 donors and answers to 3 prompts"):
        train_interchange(one_lm, [replace(swap, donors=swap.donors[:2])], LAYER, steps=1)
    with pytest.raises(ValueError, match=r"span 'question' has .* swap spans of equal length"):
        span_streams(one_lm, some_prompts, LAYER, "question")
    with pytest.raises(ValueError, match="no answer has a token"):
        train_interchange(one_lm, [replace(swap, taught=swap.taught[[]])], LAYER, steps=1)
