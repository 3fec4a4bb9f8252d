from dataclasses import replace

import numpy as np
import pytest
import torch

import interp.generation.decoding
from interp.generation.generate import generate
from interp.generation.sampling import draw, uniforms
from interp.prompts import PromptSet

STEPS = 10


def test_greedy_answers_are_those_of_transformers_generate(lm, prompts):
    ours = generate(lm, prompts, max_new_tokens=STEPS, temperature=0, seed=0)
    for prompt, answer in zip(prompts, ours.token_ids, strict=True):
        ids = torch.tensor([prompt.token_ids])
        theirs = lm.causal.generate(ids, do_sample=False, max_new_tokens=STEPS)[0, len(prompt) :]
        assert answer == tuple(token for token in theirs.tolist() if token not in lm.end_ids)


def test_sampled_answers_are_those_of_running_everything_again(lm, prompts):
    """The same numbers, and logits from whole sequences without cache, masks or neighbours."""
    ours = generate(lm, prompts, samples_per_prompt=3, max_new_tokens=STEPS, seed=0, end_ids=())
    noise = uniforms(prompts.prompts, 3, STEPS, seed=0).view(-1, STEPS)
    for row, answer in enumerate(ours.token_ids):
        ids = torch.tensor([prompts[ours.prompt_index[row]].token_ids + answer])
        with torch.inference_mode():
            logits = lm.causal(ids, use_cache=False).logits[0, -STEPS - 1 : -1]
        assert answer == tuple(draw(logits, noise[row], temperature=1.0, top_p=1.0).tolist())


def test_samples_follow_the_models_own_distribution(one_lm, some_prompts):
    prompt = some_prompts[:1]
    sampled = generate(
        one_lm, prompt, samples_per_prompt=4000, max_new_tokens=1, seed=0, end_ids=()
    )
    with torch.inference_mode():
        logits = one_lm.causal(torch.tensor([prompt[0].token_ids])).logits[0, -1]
    counts = np.bincount([ids[0] for ids in sampled.token_ids], minlength=300)
    expected = 4000 * logits.softmax(-1).numpy()
    z = (counts - expected) / np.sqrt(expected + 1)
    assert np.abs(z).max() < 5
    uniform = (counts - 4000 / 300) / np.sqrt(4000 / 300)  # the twin: it is not simply uniform
    assert np.abs(uniform).max() > 5


def test_an_answer_does_not_depend_on_the_company_it_keeps(lm, prompts):
    settings = {"samples_per_prompt": 4, "max_new_tokens": STEPS, "seed": 3}
    together = generate(lm, prompts, **settings)
    alone = generate(lm, prompts, **settings, batch_rows=1)
    fewer = generate(lm, prompts, **settings | {"samples_per_prompt": 2})
    assert together.token_ids == alone.token_ids
    assert together.token_ids[:2] == fewer.token_ids[:2]
    assert together.token_ids != generate(lm, prompts, **settings | {"seed": 4}).token_ids


def test_samples_side_by_side_equal_samples_in_rows_of_their_own(lm, prompts, monkeypatch):
    settings = {"samples_per_prompt": 5, "max_new_tokens": STEPS, "seed": 0, "end_ids": range(60)}
    shared = generate(lm, prompts, **settings)
    monkeypatch.setattr(interp.generation.decoding, "KEYS_PER_ROW", 1)
    assert generate(lm, prompts, **settings).token_ids == shared.token_ids
    monkeypatch.setattr(
        interp.generation.decoding, "KEYS_PER_ROW", 30
    )  # three rows of two, one slot left over
    assert generate(lm, prompts, **settings).token_ids == shared.token_ids


def test_answers_stop_before_the_token_that_ends_them(one_lm, some_prompts):
    settings = {"samples_per_prompt": 6, "max_new_tokens": STEPS, "seed": 0}
    ends = tuple(range(100))
    stopped = generate(one_lm, some_prompts, **settings, end_ids=ends)
    endless = generate(one_lm, some_prompts, **settings, end_ids=())
    assert any(stopped.ended) and not any(endless.ended)
    for short, full, ended in zip(stopped.token_ids, endless.token_ids, stopped.ended, strict=True):
        first = next((i for i, token in enumerate(full) if token in ends), STEPS)
        assert short == full[:first]
        assert ended == (first < STEPS)


def test_the_same_prompt_twice_gets_two_different_answers(one_lm, some_prompts):
    twice = PromptSet(some_prompts.prompts[:1] * 2)
    first, second = generate(one_lm, twice, max_new_tokens=STEPS, seed=0).token_ids
    assert first != second


def test_a_prompt_of_one_token_can_be_answered(one_lm, some_prompts):
    short = replace(some_prompts[0], token_ids=(5,), spans={})
    mixed = PromptSet((short, some_prompts[1]))
    both = generate(one_lm, mixed, max_new_tokens=STEPS, seed=0)
    assert (
        both.token_ids[0] == generate(one_lm, mixed[:1], max_new_tokens=STEPS, seed=0).token_ids[0]
    )


def test_completions_keep_prompts_texts_and_order(one_lm, some_prompts):
    done = []
    answers = generate(
        one_lm,
        some_prompts,
        samples_per_prompt=2,
        max_new_tokens=STEPS,
        seed=0,
        batch_rows=4,
        progress=lambda now, total: done.append((now, total)),
    )
    assert answers.questions[:4] == ("money", "money", "health", "health")
    assert answers.texts[0] == one_lm.tokenizer.decode(
        answers.token_ids[0], skip_special_tokens=True
    )
    assert done == [(4, 12), (8, 12), (12, 12)]
    assert (answers + answers).prompt_index[-1] == 11
    assert answers[[3]].questions == ("health",)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"temperature": -1.0}, "temperature=-1.0"),
        ({"top_p": 0.0}, "top_p=0.0"),
        ({"samples_per_prompt": 0}, ">= 1"),
    ],
)
def test_settings_out_of_range_are_named(one_lm, some_prompts, setting, words):
    with pytest.raises(ValueError, match=words):
        generate(one_lm, some_prompts, max_new_tokens=2, seed=0, **setting)


def test_top_p_keeps_the_fewest_tokens_that_reach_it():
    logits = torch.tensor([0.5, 0.3, 0.2]).log().expand(1000, 3)
    uniform = torch.linspace(0, 0.999, 1000)
    everything = draw(logits, uniform, temperature=1.0, top_p=1.0)
    nucleus = draw(logits, uniform, temperature=1.0, top_p=0.6)
    assert everything.bincount().tolist() == [500, 300, 200]
    assert nucleus.bincount().tolist() == [625, 375]
    assert draw(logits, uniform, temperature=1.0, top_p=0.4).unique().tolist() == [0]
    assert draw(logits, uniform, temperature=0.0, top_p=1.0).unique().tolist() == [0]


def test_more_samples_or_steps_extend_the_numbers_already_drawn(some_prompts):
    small = uniforms(some_prompts.prompts, 2, 3, seed=0)
    large = uniforms(some_prompts.prompts, 4, 8, seed=0)
    assert torch.equal(large[:, :2, :3], small)
    assert len(large.flatten().unique()) > 0.99 * large.numel()
    assert large.min() >= 0 and large.max() < 1
