"""Scores are the same however the model is run, and the model does what it would without."""

from dataclasses import replace

import pytest
import torch

from interp.capture.api import capture
from interp.capture.positions import last_prompt_token
from interp.directions import Direction, unit
from interp.generation.generate import generate
from interp.generation.prompt_scores import Watch, after, opened, score, watching
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet


def a_direction(lm: LanguageModel, tokens: int) -> Direction:
    return Direction(
        vector=unit(torch.randn(lm.d_model, generator=torch.Generator().manual_seed(3))),
        layer=1,
        scale=2.0,
        meaning="points nowhere",
        position=after(tokens).__name__,  # type: ignore[attr-defined]
        source="random",
        model_hash=lm.weights_hash,
        name="random",
    )


def padded(lm: LanguageModel, prompts: PromptSet, side: str) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, prompts))
    ids, mask = torch.zeros(2, len(prompts), width, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        at = slice(0, len(prompt)) if side == "right" else slice(width - len(prompt), width)
        ids[row, at], mask[row, at] = torch.tensor(prompt.token_ids), 1
    return ids, mask


@torch.no_grad()
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_forward_pass_gives_the_scores_of_capture(
    lm: LanguageModel, prompts: PromptSet, side: str
) -> None:
    direction = a_direction(lm, 0)
    means = capture(lm, prompts, layers=[1], position=last_prompt_token).values[:, 0]
    ids, mask = padded(lm, prompts, side)
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    plain = lm.causal(input_ids=ids, attention_mask=mask, position_ids=positions).logits
    with watching(lm, direction) as scores:
        seen = lm.causal(input_ids=ids, attention_mask=mask, position_ids=positions).logits
    expected = means @ direction.vector / 2.0
    torch.testing.assert_close(scores.values, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(score(lm, prompts, direction), expected)
    assert torch.equal(seen, plain)
    assert not torch.allclose(scores.values, scores.values.flip(0))


@pytest.mark.parametrize("tokens", [0, 1, 2])
def test_generate_of_transformers_is_scored_at_the_same_token(
    lm: LanguageModel, prompts: PromptSet, tokens: int
) -> None:
    direction = a_direction(lm, tokens)
    ids, mask = padded(lm, prompts, "left")
    how = {"do_sample": False, "min_new_tokens": 4, "max_new_tokens": 4}
    with watching(lm, direction) as scores:
        made = lm.causal.generate(input_ids=ids, attention_mask=mask, **how)
    plain = lm.causal.generate(input_ids=ids, attention_mask=mask, **how)
    assert torch.equal(made, plain)
    extended = PromptSet(
        tuple(
            replace(prompt, token_ids=prompt.token_ids + tuple(row[ids.shape[1] :][:tokens]))
            for prompt, row in zip(prompts, made.tolist(), strict=True)
        )
    )
    expected = score(lm, extended, a_direction(lm, 0))
    torch.testing.assert_close(scores.values, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tokens", [0, 1, 2])
def test_our_own_generate_is_scored_at_the_same_token_and_says_the_same(
    lm: LanguageModel, prompts: PromptSet, tokens: int
) -> None:
    watch = Watch.over(prompts, a_direction(lm, tokens))
    how = {"max_new_tokens": 4, "temperature": 0, "seed": 0, "end_ids": ()}
    answers = generate(lm, prompts, interventions=[watch], **how)
    assert answers.token_ids == generate(lm, prompts, **how).token_ids
    extended = PromptSet(tuple(replace(p, spans={}) for p in opened(lm, prompts, tokens)))
    expected = score(lm, extended, a_direction(lm, 0))
    torch.testing.assert_close(watch.scores, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        score(lm, prompts, a_direction(lm, tokens)), expected, atol=1e-4, rtol=1e-4
    )


def test_another_models_direction_and_another_place_are_refused(one_lm: LanguageModel) -> None:
    other = replace(a_direction(one_lm, 0), model_hash="0" * 64)
    with pytest.raises(ValueError, match="was fitted to weights"), watching(one_lm, other):
        pass
    elsewhere = replace(a_direction(one_lm, 0), position="mean_answer")
    with pytest.raises(ValueError, match="cannot be read live"):
        score(one_lm, PromptSet(()), elsewhere)


def test_a_mask_that_is_no_padding_is_refused_by_name(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    with (
        pytest.raises(ValueError, match=r"Watch\.over"),
        watching(one_lm, a_direction(one_lm, 0)),
    ):
        generate(one_lm, some_prompts, max_new_tokens=2, seed=0)
