"""Log-probabilities of given answers agree with the model's own, and their gradient with a small step."""

import pytest
import torch
from tiny_models import FAMILIES, FRAMINGS, QUESTIONS, tiny_lm

from interp.capture.hook_points import HookPoint
from interp.generation.generate import generate
from interp.interventions import Ablate, Add
from interp.optimise.answer_scores import answer_gradients, answer_log_probs
from interp.rendering import render


def answers(family: str):
    lm = tiny_lm(family)
    return lm, generate(lm, render(lm.tokenizer, QUESTIONS, FRAMINGS), max_new_tokens=5, seed=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_they_are_the_models_own_one_by_one(family: str) -> None:
    lm, completions = answers(family)
    found = answer_log_probs(lm, completions)
    for row, ids in enumerate(completions.token_ids):
        prompt = completions.prompts[completions.prompt_index[row]].token_ids
        logits = lm.causal(input_ids=torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
        own = sum(float(logits[len(prompt) - 1 + i, token]) for i, token in enumerate(ids))
        assert float(found[row]) == pytest.approx(own, abs=1e-3)


def test_an_edit_moves_them() -> None:
    lm, completions = answers("qwen")
    edit = Ablate(torch.nn.functional.normalize(torch.ones(lm.d_model), dim=0))
    assert not torch.allclose(
        answer_log_probs(lm, completions), answer_log_probs(lm, completions, [edit])
    )


def test_the_gradient_predicts_a_small_step() -> None:
    lm, completions = answers("llama")
    weights = torch.linspace(-1, 1, len(completions))
    read = answer_gradients(lm, completions, weights, HookPoint(1, "resid_post"))
    steepest = (read.gradient * read.tokens[..., None]).sum(dim=(0, 1))
    vector = torch.nn.functional.normalize(steepest, dim=0)
    predicted = float(((read.gradient @ vector) * read.tokens).sum()) * 1e-3
    moved = answer_log_probs(lm, completions, [Add(vector, (1,), 1e-3)])
    found = float((weights * (moved - answer_log_probs(lm, completions))).sum())
    assert found == pytest.approx(predicted, rel=0.05, abs=1e-4)
    assert predicted > 1e-3
