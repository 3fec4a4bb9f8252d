"""What every intervention owes, in every family: rules 1, 9 and 10 of the house, run and not promised."""

from contextlib import ExitStack

import pytest
import torch
from torch import Tensor

from interp.batches import Batch, pad_right
from interp.capture import capture
from interp.directions import unit
from interp.generate import generate
from interp.interventions import (
    Ablate,
    Add,
    AnswerTokens,
    EveryToken,
    Patch,
    PromptSpan,
    intervening,
)
from interp.sites import hooked

STEPS = 5
D_MODEL = 32


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


V = unit(random(D_MODEL))
HEADER, QUESTION = PromptSpan("header"), PromptSpan("question")
INTERVENTIONS = {  # one of each kind, shared and per prompt, at every kind of position
    "add": lambda prompts: Add(V, (1,), 20.0),
    "add in the header": lambda prompts: Add(V, (0, 2), 20.0, HEADER),
    "add in the question": lambda prompts: Add(V, (0,), 20.0, QUESTION),
    "add in the answer": lambda prompts: Add(V, (1,), 20.0, AnswerTokens()),
    "add per prompt": lambda prompts: Add(random(6, D_MODEL), (1,), random(6) * 5),
    "ablate": lambda prompts: Ablate(V),
    "ablate one layer": lambda prompts: Ablate(V, (1,)),
    "ablate per layer": lambda prompts: Ablate({0: V, 2: unit(random(6, D_MODEL, seed=1))}),
    "ablate in the answer": lambda prompts: Ablate(V, None, AnswerTokens()),
    "patch": lambda prompts: Patch(
        {1: 3 * random(6, len(prompts[0].spans["header"]), D_MODEL)}, HEADER
    ),
}


@pytest.fixture(params=INTERVENTIONS)
def intervention(request, prompts):
    return INTERVENTIONS[request.param](prompts)


def batch_of(lm, prompts, rows=None, answers=()):
    rows = list(range(len(prompts))) if rows is None else rows
    sequences = [prompts[row].token_ids + (answers[row] if answers else ()) for row in rows]
    ids, positions = pad_right(sequences, 0)
    return ids, Batch(torch.tensor(rows), positions, prompts.prompts)


@torch.inference_mode()
def logits_under(lm, interventions, prompts, rows=None, answers=()):
    ids, batch = batch_of(lm, prompts, rows, answers)
    with intervening(lm, interventions, batch):
        return lm.causal(ids).logits


@torch.inference_mode()
def answer_without_cache(lm, interventions, prompts, row):
    """Greedy decoding that runs the whole sequence again for every token."""
    answer = ()
    for _ in range(STEPS):
        answers = [()] * row + [answer] + [()] * (len(prompts) - row - 1)
        logits = logits_under(lm, interventions, prompts, [row], answers)
        answer += (int(logits[0, -1].argmax()),)
    return answer


def test_the_model_is_left_bit_for_bit_as_it_was(lm, prompts, intervention):
    ids, batch = batch_of(lm, prompts)
    hooks = [list(layer._forward_hooks) for layer in lm.layers]  # transformers may keep its own
    with torch.inference_mode():
        before = lm.causal(ids).logits
        with intervening(lm, [intervention], batch):
            lm.causal(ids)
        assert torch.equal(before, lm.causal(ids).logits)
        with pytest.raises(RuntimeError, match="body"), intervening(lm, [intervention], batch):
            raise RuntimeError("the body fails")
        assert torch.equal(before, lm.causal(ids).logits)
    assert hooks == [list(layer._forward_hooks) for layer in lm.layers]


def test_every_row_is_changed_and_only_where_it_is_told_to(lm, prompts, intervention):
    answers = [(5, 6, 7)] * len(prompts)
    intact = logits_under(lm, [], prompts, answers=answers)
    edited = logits_under(lm, [intervention], prompts, answers=answers)
    _, batch = batch_of(lm, prompts, answers=answers)
    match intervention.positions:
        case EveryToken():
            first = torch.zeros(len(prompts), dtype=torch.long)
        case PromptSpan(name):
            first = batch.bounds(name)[0]
        case AnswerTokens():
            first = batch.answer().int().argmax(1)
    for row, start in enumerate(first.tolist()):
        assert torch.equal(intact[row, :start], edited[row, :start])
        assert not torch.allclose(intact[row, start], edited[row, start], atol=1e-3)


def test_decoding_with_a_cache_equals_running_everything_again(lm, prompts, intervention):
    cached = generate(
        lm,
        prompts,
        max_new_tokens=STEPS,
        temperature=0,
        seed=0,
        interventions=[intervention],
        end_ids=(),
    )
    for row in (1, 5):  # a short prompt and the longest
        assert cached.token_ids[row] == answer_without_cache(lm, [intervention], prompts, row)


def test_generation_is_steered_at_all(lm, prompts, intervention):
    settings = {"max_new_tokens": STEPS, "samples_per_prompt": 3, "seed": 0, "end_ids": ()}
    intact = generate(lm, prompts, **settings)
    edited = generate(lm, prompts, **settings, interventions=[intervention])
    changed = [a != b for a, b in zip(intact.token_ids, edited.token_ids, strict=True)]
    assert sum(changed) > len(changed) / 2


def test_steered_answers_do_not_depend_on_batching(lm, prompts, intervention):
    settings = {"max_new_tokens": STEPS, "samples_per_prompt": 3, "seed": 0, "end_ids": range(80)}
    together = generate(lm, prompts, **settings, interventions=[intervention])
    alone = generate(lm, prompts, **settings, interventions=[intervention], batch_rows=1)
    assert together.token_ids == alone.token_ids


def test_captured_activations_do_not_depend_on_padding(lm, prompts, intervention):
    together = capture(lm, prompts, interventions=[intervention])
    alone = capture(lm, prompts, interventions=[intervention], batch_rows=1)
    torch.testing.assert_close(together.values, alone.values, rtol=1e-4, atol=1e-4)


def test_some_rows_of_an_intervention_equal_the_same_rows_of_all(lm, prompts, intervention):
    index = [4, 1]
    everything = capture(lm, prompts, interventions=[intervention]).values[index]
    some = capture(lm, prompts[index], interventions=[intervention.rows(index)]).values
    torch.testing.assert_close(some, everything, rtol=1e-4, atol=1e-4)


def test_nothing_of_an_ablated_direction_is_left_and_there_was_something_before(lm, prompts):
    before = capture(lm, prompts).values @ V
    after = capture(lm, prompts, interventions=[Ablate(V)]).values @ V
    assert before.abs().min() > 1e-4
    assert before.abs().mean() > 0.1
    assert after.abs().max() < 1e-5


def test_adding_moves_the_stream_by_exactly_what_is_added(lm, prompts):
    before = capture(lm, prompts, layers=[1]).at(1)
    after = capture(lm, prompts, layers=[1], interventions=[Add(V, (1,), 2.5)]).at(1)
    torch.testing.assert_close(after - before, (2.5 * V).expand_as(before), rtol=1e-4, atol=1e-4)


def test_a_zero_row_is_left_alone_while_the_others_are_ablated(lm, prompts):
    vectors = unit(random(len(prompts), D_MODEL))
    vectors[2] = 0
    intact = logits_under(lm, [], prompts)
    edited = logits_under(lm, [Ablate(vectors)], prompts)
    changed = [not torch.equal(intact[row], edited[row]) for row in range(len(prompts))]
    assert changed == [True, True, False, True, True, True]


def header_activations(lm, prompts, layer):
    """The stream after `layer` at the header tokens: [row, token, d_model]."""
    kept = {}
    ids, batch = batch_of(lm, prompts)
    with torch.inference_mode(), hooked(lm, {layer: lambda h: kept.update(h=h.clone())}):
        lm.causal(ids)
    start, stop = batch.bounds("header")
    bounds = enumerate(zip(start.tolist(), stop.tolist(), strict=True))
    return torch.stack([kept["h"][row, a:b] for row, (a, b) in bounds])


def test_patching_a_run_with_itself_changes_nothing_and_with_another_does(lm, prompts):
    own = header_activations(lm, prompts, 1)
    intact = logits_under(lm, [], prompts)
    same = logits_under(lm, [Patch({1: own}, PromptSpan("header"))], prompts)
    assert torch.equal(same, intact)
    other = logits_under(lm, [Patch({1: own.roll(1, 0)}, PromptSpan("header"))], prompts)
    assert not torch.allclose(other, intact, atol=1e-3)


def test_patching_everything_from_the_last_layer_moves_the_prediction_over(lm, prompts):
    """The whole header of another prompt after the last layer *is* the other prompt's prediction."""
    own = header_activations(lm, prompts, lm.n_layers - 1)
    patch = Patch({lm.n_layers - 1: own.roll(1, 0)}, PromptSpan("header"))
    moved, intact = logits_under(lm, [patch], prompts), logits_under(lm, [], prompts)
    last = [len(prompt) - 1 for prompt in prompts]
    for row in range(len(prompts)):
        torch.testing.assert_close(moved[row, last[row]], intact[row - 1, last[row - 1]])


def test_layers_that_return_tuples_are_edited_too(lm, prompts):
    expected = capture(lm, prompts, layers=[0], interventions=[Add(V, (0,), 3.0)]).at(0)
    ids, batch = batch_of(lm, prompts)
    kept = []
    with torch.inference_mode(), ExitStack() as stack:
        hook = lm.layers[0].register_forward_hook
        stack.callback(hook(lambda _m, _i, output: (output, "something else")).remove)
        stack.enter_context(intervening(lm, [Add(V, (0,), 3.0)], batch))
        stack.callback(hook(lambda _m, _i, output: kept.append(output) or output[0]).remove)
        lm.causal(ids)
    ((hidden, other),) = kept
    assert other == "something else"
    last = torch.stack([hidden[row, len(prompt) - 1] for row, prompt in enumerate(prompts)])
    torch.testing.assert_close(last, expected)


def test_what_does_not_fit_is_named(lm, prompts):
    with pytest.raises(ValueError, match="no layer 7; its layers are 0 to 2"):
        logits_under(lm, [Ablate(V, (7,))], prompts)
    with pytest.raises(ValueError, match="got norm 2; divide by the norm"):
        Ablate(2 * V)
    with pytest.raises(ValueError, match="Add holds 2 rows for 6 prompts"):
        logits_under(lm, [Add(random(2, D_MODEL), (0,), 1.0)], prompts)
    with pytest.raises(ValueError, match=r"prompt 0 \(none, money\) has no span 'framing'"):
        logits_under(lm, [Add(V, (0,), 1.0, PromptSpan("framing"))], prompts)
    with pytest.raises(ValueError, match="Patch holds 2 tokens, span 'header' has"):
        logits_under(lm, [Patch({0: random(6, 2, D_MODEL)}, PromptSpan("header"))], prompts)


def test_several_interventions_act_in_the_order_they_are_given(lm, prompts):
    add, ablate = Add(V, (1,), 5.0), Ablate(V, (1,))
    added_last = capture(lm, prompts, layers=[1], interventions=[ablate, add]).at(1) @ V
    ablated_last = capture(lm, prompts, layers=[1], interventions=[add, ablate]).at(1) @ V
    torch.testing.assert_close(added_last, torch.full_like(added_last, 5.0), rtol=1e-4, atol=1e-4)
    assert ablated_last.abs().max() < 1e-5
