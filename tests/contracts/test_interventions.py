"""What every intervention owes, in every family: rules 1, 9 and 10 of the house, run and not promised."""

from contextlib import ExitStack

import pytest
import torch
from torch import Tensor

from interp.capture.api import capture, capture_answers
from interp.capture.batches import Batch, pad_right
from interp.capture.positions import last_answer_token
from interp.capture.sites import hooked
from interp.directions import orthonormal, unit
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.interventions import (
    Ablate,
    AblateSubspace,
    AblateWrites,
    Add,
    AnswerTokens,
    ClampFeature,
    EveryToken,
    InterventionLog,
    MeanAblate,
    Patch,
    PromptSpan,
    ScaleFeature,
    intervening,
)

STEPS = 5
D_MODEL = 32


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class RandomAutoencoder:
    """Twice as many features as dimensions; what it reconstructs is not what it was given."""

    into, out, bias = random(D_MODEL, 64, seed=8), random(64, D_MODEL, seed=9) / 6, random(D_MODEL)

    def encode(self, x: Tensor) -> Tensor:
        return ((x - self.bias) @ self.into).relu()

    def decode(self, feature_acts: Tensor) -> Tensor:
        return feature_acts @ self.out + self.bias


V = unit(random(D_MODEL))
B = orthonormal(random(2, D_MODEL, seed=3))
SAE = RandomAutoencoder()
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
    "ablate a subspace": lambda prompts: AblateSubspace(B),
    "ablate a subspace per layer": lambda prompts: AblateSubspace({0: B, 1: B[:1]}),
    "ablate a subspace per prompt": lambda prompts: AblateSubspace(
        torch.stack([orthonormal(random(2, D_MODEL, seed=10 + row)) for row in range(6)])
    ),
    "ablate all writes": lambda prompts: AblateWrites(B),
    "mean-ablate": lambda prompts: MeanAblate({1: random(D_MODEL)}, None, HEADER),
    "mean-ablate per prompt": lambda prompts: MeanAblate({0: random(6, D_MODEL)}, None, HEADER),
    "mean-ablate a subspace": lambda prompts: MeanAblate({1: 9 * random(D_MODEL)}, B),
    "clamp a feature": lambda prompts: ClampFeature(SAE, 3, 30.0, 1),
    "clamp per prompt": lambda prompts: ClampFeature(
        SAE, torch.arange(6), 20 + torch.arange(6.0), 1, HEADER
    ),
    "scale a feature": lambda prompts: ScaleFeature(SAE, torch.arange(6), 9.0, 0),
    "patch": lambda prompts: Patch(
        {1: 3 * random(6, len(prompts[0].spans["header"]), D_MODEL)}, HEADER
    ),
    "patch in a subspace": lambda prompts: Patch(
        {1: 3 * random(6, len(prompts[0].spans["header"]), D_MODEL)}, HEADER, B
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
    """What may act at no token of this pass at all keeps a log here, which is not checked."""
    ids, batch = batch_of(lm, prompts, rows, answers)
    log = InterventionLog(interventions, [len(prompt) for prompt in prompts])
    with intervening(lm, interventions, batch, log):
        return lm.causal(ids).logits


def answered(prompts):
    """A fixed answer to each prompt."""
    ids = tuple((5 + row, 6, 7) for row in range(len(prompts)))
    return Completions(
        prompts, tuple(range(len(prompts))), ids, ("",) * len(ids), (True,) * len(ids)
    )


def read(lm, prompts, **how):
    """The stream after all layers, three tokens into an answer."""
    return capture_answers(lm, answered(prompts), position=last_answer_token, **how).values


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
    ids, batch = batch_of(lm, prompts, answers=[(5, 6, 7)] * len(prompts))
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
        stop = start + 1 if not isinstance(intervention, ScaleFeature) else len(intact[row])
        assert not torch.allclose(intact[row, start:stop], edited[row, start:stop], atol=1e-3)


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
    together = read(lm, prompts, interventions=[intervention])
    alone = read(lm, prompts, interventions=[intervention], batch_rows=1)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


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
    with pytest.raises(
        ValueError, match="Ablate holds vectors of width 8, but the residual stream"
    ):
        logits_under(lm, [Ablate(unit(random(8)))], prompts)
    with pytest.raises(
        ValueError, match=r"products are off by .*use interp\.directions\.orthonormal"
    ):
        AblateSubspace(random(2, D_MODEL))
    with pytest.raises(ValueError, match="no feature 64: the autoencoder has 64"):
        logits_under(lm, [ClampFeature(SAE, 64, 1.0, 0)], prompts)
    with pytest.raises(ValueError, match="nothing to ablate was given for layer 2"):
        logits_under(lm, [Ablate({0: V}, (2,))], prompts)


def test_several_interventions_act_in_the_order_they_are_given(lm, prompts):
    add, ablate = Add(V, (1,), 5.0), Ablate(V, (1,))
    added_last = capture(lm, prompts, layers=[1], interventions=[ablate, add]).at(1) @ V
    ablated_last = capture(lm, prompts, layers=[1], interventions=[add, ablate]).at(1) @ V
    torch.testing.assert_close(added_last, torch.full_like(added_last, 5.0), rtol=1e-4, atol=1e-4)
    assert ablated_last.abs().max() < 1e-5


def test_evidence_says_which_tokens_of_which_rows_were_edited(lm, prompts):
    settings = {"max_new_tokens": STEPS, "samples_per_prompt": 2, "seed": 0, "end_ids": ()}
    some = unit(random(len(prompts), D_MODEL))
    some[2] = 0
    edits = [
        Ablate(some, (1,), HEADER),
        Add(V, (0, 2), 3.0, AnswerTokens()),
        Add(V, (1,), 0.5),
    ]
    header, answer, everywhere = generate(lm, prompts, **settings, interventions=edits).evidence
    assert header.rows == (0, 1, 3, 4, 5)  # a zero row is left alone
    assert answer.rows == everywhere.rows == (0, 1, 2, 3, 4, 5)
    for row in header.rows:
        span = prompts[row].spans["header"]
        assert header.prompt_tokens(row) == tuple(range(span.start, span.stop))
        assert header.answer_steps(row) == () == answer.prompt_tokens(row)
        assert answer.answer_steps(row) == tuple(range(STEPS - 1))  # the last token is not read
        assert everywhere.prompt_tokens(row) == tuple(range(len(prompts[row])))
    assert answer.summary() == {
        "intervention": "Add",
        "layers": [0, 2],
        "prompts": 6,
        "prompt_tokens": 0,
        "answer_steps": 6 * (STEPS - 1),
        "last_step": STEPS - 2,
    }


def test_an_intervention_that_never_acted_is_an_error_and_one_that_did_is_none(lm, prompts):
    steer = Add(V, (1,), 3.0, AnswerTokens())
    with pytest.raises(ValueError, match=r"Add at AnswerTokens\(\) never acted"):
        capture(lm, prompts, interventions=[steer])
    with pytest.raises(ValueError, match="never acted"):
        generate(lm, prompts, max_new_tokens=1, seed=0, interventions=[steer])
    with pytest.raises(ValueError, match=r"Ablate at .* never acted"):
        capture(lm, prompts, interventions=[Ablate(torch.zeros(6, D_MODEL))])
    silent = ScaleFeature(SAE, 0, 2.0, 1)
    silent.autoencoder.into = SAE.into.clone()
    try:
        silent.autoencoder.into[:, 0] = 0
        with pytest.raises(ValueError, match=r"ScaleFeature at .* never acted"):
            capture(lm, prompts, interventions=[silent])
    finally:
        del SAE.into
    evidence = capture(lm, prompts, interventions=[Ablate(V)]).provenance["evidence"]
    assert evidence[0]["prompts"] == 6 and evidence[0]["layers"] == [0, 1, 2]


def test_a_subspace_is_gone_and_one_of_rank_one_is_a_direction(lm, prompts):
    before = capture(lm, prompts).values @ B.T
    after = capture(lm, prompts, interventions=[AblateSubspace(B)]).values @ B.T
    assert before.abs().mean() > 0.1
    assert after.abs().max() < 1e-4
    one = capture(lm, prompts, interventions=[AblateSubspace(V[None])]).values
    direction = capture(lm, prompts, interventions=[Ablate(V)]).values
    torch.testing.assert_close(one, direction, rtol=1e-4, atol=1e-4)
    two = capture(lm, prompts, interventions=[Ablate(B[0]), Ablate(B[1])]).values
    both = capture(lm, prompts, interventions=[AblateSubspace(B)]).values
    torch.testing.assert_close(two, both, rtol=1e-4, atol=1e-4)


def test_writes_without_a_subspace_leave_none_of_it_between_attention_and_mlp_either(lm, prompts):
    def leftover(edit, site):
        return (capture(lm, prompts, site=site, interventions=[edit]).values @ B.T).abs().max()

    assert leftover(AblateWrites(B), "attn_out") < 1e-4
    assert leftover(AblateWrites(B), "resid_post") < 1e-4
    assert leftover(AblateSubspace(B), "attn_out") > 1e-2  # after the layer is too late for its MLP


def test_means_stand_where_activations_stood_and_the_rest_of_the_stream_stays(lm, prompts):
    reference = capture(lm, prompts)
    edit = MeanAblate.of(reference, positions=HEADER)
    after = capture(lm, prompts, interventions=[edit]).values
    expected = reference.values.mean(0).expand_as(after)
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(reference.values, expected, atol=1e-2)
    within = MeanAblate({1: reference.at(1).mean(0)}, B)
    after = capture(lm, prompts, layers=[1], interventions=[within]).at(1)
    mean = (reference.at(1).mean(0) @ B.T).expand(6, 2)
    torch.testing.assert_close(after @ B.T, mean, rtol=1e-4, atol=1e-4)
    outside = torch.eye(D_MODEL) - B.T @ B
    torch.testing.assert_close(after @ outside, reference.at(1) @ outside, rtol=1e-4, atol=1e-4)


def test_a_clamped_feature_moves_the_stream_along_its_decoder_row_and_nowhere_else(lm, prompts):
    before = capture(lm, prompts, layers=[1]).at(1)
    clamp = ClampFeature(SAE, 3, 7.0, 1)
    after = capture(lm, prompts, layers=[1], interventions=[clamp]).at(1)
    moved = (7.0 - SAE.encode(before)[:, 3:4]) * SAE.out[3]
    torch.testing.assert_close(after - before, moved, rtol=1e-3, atol=1e-3)
    off = capture(lm, prompts, layers=[1], interventions=[ScaleFeature(SAE, 3, 0.0, 1)]).at(1)
    zeroed = capture(lm, prompts, layers=[1], interventions=[ClampFeature(SAE, 3, 0.0, 1)]).at(1)
    torch.testing.assert_close(off, zeroed, rtol=1e-4, atol=1e-4)


def test_nine_strengths_in_one_batch_equal_nine_runs(lm, prompts):
    strengths = torch.linspace(0, 8, 9)
    tiled = prompts[[row for _ in strengths for row in range(len(prompts))]]
    batch = Add(V, (1,), strengths.repeat_interleave(len(prompts)))
    together = capture(lm, tiled, interventions=[batch]).values.unflatten(0, (9, len(prompts)))
    for strength, found in zip(strengths.tolist(), together, strict=True):
        alone = capture(lm, prompts, interventions=[Add(V, (1,), strength)]).values
        torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(together[0], together[8], atol=1e-2)
