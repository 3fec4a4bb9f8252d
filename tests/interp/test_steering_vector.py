"""A vector that a teacher adds is found by gradient; the model is left as it was."""

import copy

import pytest
import torch
from torch.nn.functional import cosine_similarity

from interp.directions import unit
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.interventions import Add, AnswerTokens, EveryToken, PromptSpan
from interp.models.language_model import LanguageModel
from interp.optimise.steering import TrainedSteering, train_steering
from interp.optimise.teacher_forcing import Reread
from interp.prompts import PromptSet

HEADER = PromptSpan("header")
LAYER = 1


def vector(seed: int, norm: float) -> torch.Tensor:
    return norm * unit(torch.randn(32, generator=torch.Generator().manual_seed(seed)))


def behind(lm: LanguageModel, prompts: PromptSet) -> tuple[Completions, PromptSet]:
    """Answers to the prompts of one condition, and the same questions under another."""
    first, second = dict.fromkeys(prompts.conditions)
    taught = prompts.where(condition=first)
    said = generate(lm, taught, samples_per_prompt=4, max_new_tokens=8, seed=0)
    return said, prompts.where(condition=second)


def trained(lm: LanguageModel, prompts: PromptSet, **changes: object) -> TrainedSteering:
    said, plain = behind(lm, prompts)
    settings = {"steps": 3} | changes
    return train_steering(lm, [at_header(vector(1, 1.0))], said, plain, **settings)


def at_header(added: torch.Tensor) -> Add:
    return Add(added, (LAYER,), 1.0, HEADER)


def divergence(lm: LanguageModel, added: Add, said: Completions, plain: PromptSet) -> float:
    asked = Completions(plain, said.prompt_index, said.token_ids, said.texts, said.ended)
    with torch.no_grad():
        wanted = Reread.of(lm, said).log_probs(lm)
        found = Reread.of(lm, asked).log_probs(lm, [added])
    return float((wanted.exp() * (wanted - found)).sum(-1).mean())


def test_what_is_added_makes_the_model_speak_as_behind_the_other_prompts(
    lm: LanguageModel, prompts: PromptSet
) -> None:
    said, plain = behind(lm, prompts)
    found = trained(lm, prompts, steps=60, rows=len(said))
    (added,) = found.added
    start = divergence(lm, at_header(vector(1, 1.0)), said, plain)
    assert found.losses[0] == pytest.approx(start, rel=1e-3)
    without = divergence(lm, at_header(1e-6 * vector(1, 1.0)), said, plain)
    assert divergence(lm, added, said, plain) < min(start, 0.99 * without)


def writing(lm: LanguageModel, planted: torch.Tensor) -> LanguageModel:
    """A copy of the model that writes a vector at every token."""
    copied = LanguageModel(copy.deepcopy(lm.model), lm.tokenizer, "writing")
    copied.layers[LAYER].register_forward_hook(lambda _module, _inputs, out: out + planted)
    return copied


def test_a_vector_that_the_teacher_writes_is_found(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    planted = vector(2, 3.0)
    start = Add(planted + vector(3, 3.0), (LAYER,), 1.0, EveryToken())
    said, _ = behind(one_lm, some_prompts)
    teacher = writing(one_lm, planted)
    found = train_steering(
        one_lm, [start], said, said.prompts, teacher=teacher, steps=150, rows=len(said)
    )
    assert found.losses[-1] < 0.01 * found.losses[0]
    assert cosine_similarity(found.added[0].vector, planted, dim=0) > 0.95
    assert cosine_similarity(start.vector, planted, dim=0) < 0.9


def test_vectors_at_several_places_are_trained_together_and_two_do_better_than_one(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    said, plain = behind(one_lm, some_prompts)
    start = [at_header(vector(1, 1.0)), Add(vector(1, 0.1), (0,), 1.0, AnswerTokens())]
    settings = {"steps": 30, "rows": len(said)}
    two = train_steering(one_lm, start, said, plain, **settings)
    assert [(each.layers, each.positions) for each in two.added] == [
        (each.layers, each.positions) for each in start
    ]
    assert not any(
        torch.equal(after.vector, before.vector)
        for after, before in zip(two.added, start, strict=True)
    )
    assert two.losses[-1] < train_steering(one_lm, start[:1], said, plain, **settings).losses[-1]


def test_without_steps_it_is_the_start_and_the_weights_ask_for_gradients_as_before(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    asking = [weight.requires_grad for weight in one_lm.model.parameters()]
    assert torch.equal(trained(one_lm, some_prompts, steps=0).added[0].vector, vector(1, 1.0))
    trained(one_lm, some_prompts, steps=1)
    assert [weight.requires_grad for weight in one_lm.model.parameters()] == asking


def test_the_same_seed_gives_the_same_and_another_another(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    first, again, other = (
        trained(one_lm, some_prompts, rows=3, seed=s).added[0].vector for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_prompts_of_other_questions_and_a_zero_start_are_refused(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    said, plain = behind(one_lm, some_prompts)
    with pytest.raises(ValueError, match="plain: 1 prompts for"):
        train_steering(one_lm, [at_header(vector(1, 1.0))], said, plain[[0]])
    for wrong in (torch.zeros(32), torch.ones(2, 32)):
        with pytest.raises(ValueError, match="give one that is not zero, for all prompts"):
            train_steering(one_lm, [at_header(wrong)], said, plain)
    with pytest.raises(ValueError, match="no answer has a token"):
        train_steering(one_lm, [at_header(vector(1, 1.0))], said[[]], plain)
