"""Beginnings that prompts share are read once, and the answers are those of reading every prompt whole."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

import interp.generation.generate
from interp.capture.batches import Batch
from interp.directions import Direction, unit
from interp.generation import shared_beginnings
from interp.generation.decoding import Decoding, Plan
from interp.generation.generate import generate
from interp.generation.prompt_scores import Watch, after
from interp.generation.shared_beginnings import stages
from interp.interventions import (
    Ablate,
    Add,
    AnswerTokens,
    EveryToken,
    InterventionLog,
    PromptSpan,
    intervening,
)
from interp.models.contract import same_logits
from interp.models.loading import wrap
from interp.prompts import Prompt, PromptSet, Span
from interp.rendering import render
from tests.tiny_models import FAMILIES, FRAMINGS, QUESTIONS, adapted_lm, tiny_lm

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


def apart_stages(batch, _interventions):
    """Every row on its own, all tokens but the last in one pass."""
    rows = torch.arange(len(batch.prompt))
    stop = max(len(batch.prompts[row]) for row in batch.prompt.tolist()) - 1
    return [shared_beginnings.Stage(stop, rows, rows)]


def test_answers_are_those_of_reading_every_copy(lm, asked, vector, monkeypatch):
    edit = every_strength(vector, asked, PromptSpan("header"))
    settings = {**SETTINGS, "samples_per_prompt": 2, "interventions": [edit]}
    once = generate(lm, tiled(asked), **settings)
    monkeypatch.setattr(interp.generation.generate, "stages", apart_stages)
    apart = generate(lm, tiled(asked), **settings)
    assert once.token_ids == apart.token_ids
    assert torch.equal(once.evidence[0].acted, apart.evidence[0].acted)


EDITS = {
    "none": lambda prompts, vector: [],
    "ablate every layer": lambda prompts, vector: [Ablate(unit(vector))],
    "add everywhere": lambda prompts, vector: [Add(vector, (1,), 5.0)],
    "a strength each": lambda prompts, vector: [
        Add(vector, (1,), torch.arange(len(prompts)) % 2 * 5.0)
    ],
    "watched": lambda prompts, vector: [Watch.over(prompts, direction(vector))],
}


def direction(vector):
    return Direction(unit(vector), 1, 1.0, "any", after(0).__name__, "random", "0" * 64, "any")


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("adapter", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_beginnings_read_once_give_the_logits_of_reading_all(
    family, dtype, adapter, name, monkeypatch
):
    """Padded and not, with and without an adapter: to 1e-4 in float32, and to its root of precision in bfloat16."""
    lm = copy_of(adapted_lm(family) if adapter else tiny_lm(family), dtype)
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)
    vector = torch.randn(lm.d_model, generator=torch.Generator().manual_seed(1))
    edits = EDITS[name](prompts, vector)
    monkeypatch.setattr(shared_beginnings, "PASS", 1)
    shared = logits_of(lm, prompts, edits, stages)
    whole = logits_of(lm, prompts, edits, apart_stages)
    assert same_logits(shared, whole, dtype)
    if dtype == torch.float32:
        assert torch.allclose(shared, whole, rtol=1e-4, atol=1e-4)
    other = logits_of(lm, prompts[[*range(1, len(prompts)), 0]], [], apart_stages)
    assert not same_logits(shared, other, dtype)  # the twin: other prompts do not give these


def copy_of(lm, dtype):
    return wrap(deepcopy(lm.model).to(dtype), lm.tokenizer, name="copy")


@torch.inference_mode()
def logits_of(lm, prompts, edits, read):
    """The logits after each prompt's last token."""
    batch = a_batch(prompts)
    plan = Plan(1, 1, 1.0, 1.0, ())
    with intervening(lm, edits, batch, InterventionLog(edits, [len(each) for each in prompts])):
        decoding = Decoding(lm, batch, torch.zeros(len(prompts), 1, 1), plan, read(batch, edits))
        return decoding._read().float()


def a_batch(prompts):
    return Batch(
        torch.arange(len(prompts)),
        torch.empty(len(prompts), 0, dtype=torch.long),
        prompts.prompts,
    )


def of_tokens(*rows):
    """Prompts of these tokens, whose last two tokens are their header."""
    return PromptSet(
        tuple(
            Prompt("", tuple(row), "none", str(n), {"header": Span(len(row) - 2, len(row))})
            for n, row in enumerate(rows)
        )
    )


def test_shared_tokens_are_read_for_one_row_and_a_pass_is_made_only_where_it_pays(monkeypatch):
    prompts = of_tokens([1, 2, 3, 4, 9], [1, 2, 3, 5, 9], [1, 2, 6, 5, 9], [1, 2, 3, 4, 9])
    one_pass = stages(a_batch(prompts), [])
    assert [(each.stop, each.firsts.tolist()) for each in one_pass] == [(4, [0, 1, 2])]
    monkeypatch.setattr(shared_beginnings, "PASS", 0)
    found = stages(a_batch(prompts), [])
    assert [(each.stop, each.firsts.tolist()) for each in found] == [
        (2, [0]),
        (3, [0, 2]),
        (4, [0, 1, 2]),
    ]
    assert found[1].of.tolist() == [0, 0, 1, 0] and found[2].of.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("edit", "rows"),
    [
        (lambda v: [], [1, 2]),
        (lambda v: [Add(v, (0,), 1.0)], [1, 2]),
        (lambda v: [Add(v, (0,), [1.0, 2.0, 2.0])], [2, 3]),
        (lambda v: [Add(v, (0,), [1.0, 2.0, 2.0], PromptSpan("header"))], [1, 3]),
        (lambda v: [Unknown(v)], [3]),
    ],
)
def test_rows_part_where_they_are_edited_differently(monkeypatch, edit, rows):
    monkeypatch.setattr(shared_beginnings, "PASS", 0)
    prompts = of_tokens([1, 2, 3, 4, 9], [1, 2, 3, 4, 9], [1, 2, 3, 5, 9])
    found = stages(a_batch(prompts), edit(torch.ones(4)))
    assert [len(each.firsts) for each in found] == rows


class Unknown(Add):
    """An edit that says nothing of what decides it."""

    def __init__(self, vector):
        super().__init__(vector, (0,), 1.0)

    def decided_by(self):
        return None


def test_a_prompt_of_one_token_has_nothing_to_read_before_its_last():
    assert stages(a_batch(of_tokens([1, 2, 3][:1])), []) == []
