from dataclasses import replace

import pytest
import torch

import interp.generation.generate
from interp.capture.batches import Batch
from interp.generation.generate import generate
from interp.generation.prompt_dedup import copies
from interp.interventions import Add, AnswerTokens, EveryToken, PromptSpan
from interp.prompts import PromptSet, Span

STRENGTHS = (0.0, 3.0, 8.0)
SETTINGS = {"max_new_tokens": 8, "seed": 0, "end_ids": ()}
HEADER = 3


@pytest.fixture
def asked(prompts):
    """Prompts of different lengths whose last tokens are their header."""
    longer = replace(prompts[0], token_ids=prompts[0].token_ids[:4] + prompts[0].token_ids)
    return PromptSet(
        tuple(
            replace(each, spans={"header": Span(len(each) - HEADER, len(each))})
            for each in (*prompts, longer)
        )
    )


@pytest.fixture
def vector(lm):
    return torch.randn(lm.d_model, generator=torch.Generator().manual_seed(1))


def tiled(prompts):
    return prompts[[row for _ in STRENGTHS for row in range(len(prompts))]]


def every_strength(vector, prompts, where):
    return Add(vector, (1,), torch.tensor(STRENGTHS).repeat_interleave(len(prompts)), where)


@pytest.mark.parametrize("where", [PromptSpan("header"), AnswerTokens(), EveryToken()])
def test_many_strengths_at_once_are_each_strength_alone(lm, asked, vector, where):
    edit = every_strength(vector, asked, where)
    together = generate(lm, tiled(asked), **SETTINGS, temperature=0, interventions=[edit])
    for number, strength in enumerate(STRENGTHS):
        own = together.token_ids[number * len(asked) : (number + 1) * len(asked)]
        alone = Add(vector, (1,), strength, where)
        assert (
            own == generate(lm, asked, **SETTINGS, temperature=0, interventions=[alone]).token_ids
        )
    assert own != together.token_ids[: len(asked)]  # the twin: the strengths do differ


def test_answers_are_those_of_reading_every_copy(lm, asked, vector, monkeypatch):
    edit = every_strength(vector, asked, PromptSpan("header"))
    settings = {**SETTINGS, "samples_per_prompt": 2, "interventions": [edit]}
    once = generate(lm, tiled(asked), **settings)
    monkeypatch.setattr(interp.generation.generate, "copies", lambda *_: None)
    apart = generate(lm, tiled(asked), **settings)
    assert once.token_ids == apart.token_ids
    assert torch.equal(once.evidence[0].acted, apart.evidence[0].acted)


@pytest.mark.parametrize(
    ("where", "shared"),
    [(PromptSpan("header"), True), (AnswerTokens(), True), (EveryToken(), False)],
)
def test_copies_are_read_once_up_to_the_first_edited_token(lm, asked, vector, where, shared):
    rows = []
    hook = lm.decoder.register_forward_pre_hook(
        lambda _, __, given: rows.append(given["input_ids"].shape), with_kwargs=True
    )
    try:
        edit = every_strength(vector, asked, where)
        generate(lm, tiled(asked), **SETTINGS, interventions=[edit])
    finally:
        hook.remove()
    assert rows[0][0] == (len(asked) if shared else len(STRENGTHS) * len(asked))


def test_what_is_shared_ends_before_the_edit_and_before_the_last_token(some_prompts):
    twice = some_prompts[[0, 0, 1]]
    batch = Batch(torch.arange(3), torch.empty(3, 0, dtype=torch.long), twice.prompts)
    shortest = min(len(each) for each in twice)
    untouched = copies(batch, [])
    assert untouched.shared == shortest - 1
    assert untouched.firsts.tolist() == [0, 2] and untouched.of.tolist() == [0, 0, 1]
    assert (
        copies(batch, [Add(torch.ones(4), (0,), 1.0)]) is None
    )  # at every token, from the first on
    alone = Batch(
        torch.arange(len(some_prompts)),
        torch.empty(len(some_prompts), 0, dtype=torch.long),
        some_prompts.prompts,
    )
    assert copies(alone, []) is None
