"""A direction that a reference lacks is found by gradient; the model is left as it was."""

import copy

import pytest
import torch

from interp.directions import unit
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.interventions import AblateSubspace
from interp.models.language_model import LanguageModel
from interp.optimise.ablation import Refinement, refine_ablation
from interp.optimise.teacher_forcing import Reread
from interp.prompts import PromptSet
from interp.rendering import render
from tests.tiny_models import FAMILIES, FRAMINGS, QUESTIONS, adapted_lm, tiny_lm


def vector(seed: int) -> torch.Tensor:
    return unit(torch.randn(32, generator=torch.Generator().manual_seed(seed)))


def without(lm: LanguageModel, missing: torch.Tensor) -> LanguageModel:
    """A copy of the model that has lost a direction for good."""
    copied = LanguageModel(copy.deepcopy(lm.model), lm.tokenizer, "without")
    for layer in copied.layers:
        layer.register_forward_hook(
            lambda _module, _inputs, out: out - (out @ missing)[..., None] * missing
        )
    return copied


def answers(lm: LanguageModel, prompts: PromptSet) -> Completions:
    return generate(lm, prompts, samples_per_prompt=4, max_new_tokens=8, seed=0)


def none_of(found: Completions) -> Completions:
    return found[[]]


def test_the_direction_that_the_reference_lacks_is_found(
    lm: LanguageModel, prompts: PromptSet
) -> None:
    planted = vector(1)
    start = unit(planted + 1.5 * vector(2))
    reference = without(lm, planted)
    said = answers(reference, prompts)
    found = refine_ablation(
        lm, start[None], said, none_of(said), reference=reference, steps=120, learning_rate=0.05
    )
    assert abs(float(start @ planted)) < 0.8
    assert abs(float(found.basis[0] @ planted)) > 0.99
    assert found.changed[-1] < 0.02 * found.changed[0]


def test_a_subspace_stays_orthonormal_and_the_first_loss_is_that_of_the_start(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    start = torch.stack([vector(1), vector(2)])
    said = answers(one_lm, some_prompts)
    reference = without(one_lm, vector(3))
    found = refine_ablation(one_lm, start, said, said, reference=reference, steps=3, rows=len(said))
    torch.testing.assert_close(found.basis @ found.basis.T, torch.eye(2))
    assert len(found.changed) == len(found.kept) == 3
    every = Reread.of(one_lm, said)
    first, second = start[0], unit(start[1] - (start[1] @ start[0]) * start[0])
    cut = AblateSubspace(torch.stack([first, second]))
    with torch.no_grad():
        wanted, lost = every.log_probs(reference), every.log_probs(one_lm, [cut])
        divergence = (wanted.exp() * (wanted - lost)).sum(-1).mean()
    assert found.changed[0] == pytest.approx(float(divergence), rel=1e-3)


def test_read_again_answers_have_the_log_probabilities_of_a_plain_forward(
    lm: LanguageModel, prompts: PromptSet
) -> None:
    said = Reread.of(lm, answers(lm, prompts))
    with torch.no_grad():
        found = said.log_probs(lm)
        row = 0
        for sequence in said.sequences:
            logits = lm.causal(torch.tensor([sequence.token_ids])).logits[0].log_softmax(-1)
            expected = logits[sequence.spans["answer"].start - 1 :]
            torch.testing.assert_close(
                found[row : row + len(expected)], expected, rtol=1e-4, atol=1e-4
            )
            row += len(expected)
    assert row == len(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_reference_it_is_the_model_without_its_adapter(family: str) -> None:
    adapted, base = adapted_lm(family), tiny_lm(family)
    prompts = render(adapted.tokenizer, QUESTIONS, FRAMINGS)
    said = answers(base, prompts)

    def refined(reference: LanguageModel | None) -> Refinement:
        return refine_ablation(
            adapted, vector(1)[None], said, none_of(said), reference=reference, steps=2
        )

    with_base, alone = refined(base), refined(None)
    torch.testing.assert_close(alone.basis, with_base.basis)
    assert alone.changed == pytest.approx(with_base.changed, rel=1e-3)
    assert alone.kept == ()


def test_the_same_seed_gives_the_same_and_another_another(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    said, reference = answers(one_lm, some_prompts), without(one_lm, vector(3))

    def refined(seed: int) -> torch.Tensor:
        found = refine_ablation(
            one_lm, vector(1)[None], said, said, reference=reference, steps=3, rows=4, seed=seed
        )
        return found.basis

    assert torch.equal(refined(0), refined(0))
    assert not torch.equal(refined(0), refined(1))


def test_the_model_is_left_as_it_was_also_after_an_error(
    one_lm: LanguageModel, some_prompts: PromptSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, reference = answers(one_lm, some_prompts), without(one_lm, vector(3))
    weights = {name: value.clone() for name, value in one_lm.model.state_dict().items()}
    asking = [weight.requires_grad for weight in one_lm.model.parameters()]
    hooks = [list(layer._forward_hooks) for layer in one_lm.layers]
    assert any(asking)

    def refine() -> None:
        refine_ablation(one_lm, vector(1)[None], said, said, reference=reference, steps=1)

    def fail(*_args: object) -> None:
        raise RuntimeError("stop")

    refine()
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="stop"):
        patch.setattr("interp.optimise.ablation._divergence", fail)
        refine()
    assert [weight.requires_grad for weight in one_lm.model.parameters()] == asking
    assert all(
        torch.equal(one_lm.model.state_dict()[name], value) for name, value in weights.items()
    )
    assert [list(layer._forward_hooks) for layer in one_lm.layers] == hooks


def test_what_cannot_be_refined_is_said(one_lm: LanguageModel, some_prompts: PromptSet) -> None:
    said = answers(one_lm, some_prompts)
    with pytest.raises(ValueError, match="no adapter to switch off"):
        refine_ablation(one_lm, vector(1)[None], said, said)
    with pytest.raises(ValueError, match="nothing to train towards"):
        refine_ablation(one_lm, vector(1)[None], none_of(said), said, reference=one_lm)
