import pytest
import torch

from interp.capture.api import capture, capture_answers, residual_norms
from interp.capture.hook_points import SITES
from interp.capture.positions import (
    all_tokens,
    framing_tokens_mean,
    last_answer_token,
    last_prompt_token,
    mean_answer,
    question_mean,
    question_tokens,
)
from interp.capture.sites import hooked
from interp.generation.generate import generate
from interp.prompts import Prompt, PromptSet


def hidden_states(lm, ids):
    with torch.inference_mode():
        return lm.causal(torch.tensor([ids]), output_hidden_states=True).hidden_states


def test_captured_layers_are_the_inputs_of_the_next_layers(lm, prompts):
    captured = capture(lm, prompts)
    for row, prompt in enumerate(prompts):
        states = hidden_states(lm, prompt.token_ids)
        for layer in range(lm.n_layers - 1):
            torch.testing.assert_close(captured.at(layer)[row], states[layer + 1][0, -1])


def test_the_last_layer_is_read_before_the_final_norm(lm, prompts):
    captured = capture(lm, prompts).at(lm.n_layers - 1)
    normed = torch.stack([hidden_states(lm, p.token_ids)[-1][0, -1] for p in prompts])
    torch.testing.assert_close(lm.decoder.norm(captured), normed, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(captured, normed, atol=1e-2)


def test_padding_and_batching_do_not_change_what_is_read(lm, prompts):
    together = capture(lm, prompts)
    one_by_one = capture(lm, prompts, batch_rows=1)
    torch.testing.assert_close(together.values, one_by_one.values, rtol=1e-4, atol=1e-5)
    assert together.conditions == prompts.conditions


@pytest.mark.parametrize(
    ("position", "name"), [(framing_tokens_mean, "framing"), (question_mean, "question")]
)
def test_a_span_is_read_as_the_mean_over_its_tokens(lm, prompts, position, name):
    prompts = prompts.where(condition="trigger")
    captured = capture(lm, prompts, layers=[0], position=position)
    for row, prompt in enumerate(prompts):
        span = prompt.spans[name]
        expected = hidden_states(lm, prompt.token_ids)[1][0, span.start : span.stop].mean(0)
        torch.testing.assert_close(captured.at(0)[row], expected)


def test_answers_are_read_at_their_own_tokens(lm, prompts):
    answers = generate(lm, prompts, samples_per_prompt=2, max_new_tokens=6, seed=0, end_ids=())
    mean = capture_answers(lm, answers, layers=[1])
    last = capture_answers(lm, answers, layers=[1], position=last_answer_token)
    before = capture_answers(lm, answers, layers=[1], position=last_prompt_token)
    for row in range(len(answers)):
        prompt = prompts[answers.prompt_index[row]]
        states = hidden_states(lm, prompt.token_ids + answers.token_ids[row])[2][0]
        torch.testing.assert_close(mean.at(1)[row], states[len(prompt) :].mean(0))
        torch.testing.assert_close(last.at(1)[row], states[-1])
        torch.testing.assert_close(before.at(1)[row], states[len(prompt) - 1])
    assert mean.questions == answers.questions
    assert mean.position == mean_answer.__name__


def test_reading_stops_after_the_deepest_layer_asked_for(one_lm, some_prompts):
    ran = []
    with hooked(one_lm, {2: lambda hidden: ran.append(2)}):
        capture(one_lm, some_prompts, layers=[0, 1])
        assert not ran
        capture(one_lm, some_prompts)
        assert ran


def test_the_unit_of_steering_is_the_median_norm_over_real_tokens(lm, prompts):
    norms = residual_norms(lm, prompts, layers=[0])
    tokens = torch.cat([hidden_states(lm, p.token_ids)[1][0].norm(dim=-1) for p in prompts])
    assert norms[0] == pytest.approx(float(tokens.median()), rel=1e-5)


def test_what_cannot_be_read_is_named(one_lm, some_prompts):
    with pytest.raises(ValueError, match="no span 'framing' here, only header, question"):
        capture(one_lm, some_prompts, position=framing_tokens_mean)
    with pytest.raises(ValueError, match="no layer 3; its layers are 0 to 2"):
        capture(one_lm, some_prompts, layers=[0, 3])
    with pytest.raises(ValueError, match="layer 2 was not captured"):
        capture(one_lm, some_prompts, layers=[0]).at(2)
    for layers in ([], [1, 1]):
        with pytest.raises(ValueError, match="at least one layer, and each only once"):
            capture(one_lm, some_prompts, layers=layers)
    silent = generate(one_lm, some_prompts, max_new_tokens=1, seed=0, end_ids=range(300))
    with pytest.raises(ValueError, match="completion 0 is empty"):
        capture_answers(one_lm, silent)


def test_several_positions_come_from_one_forward_pass_and_equal_their_own(lm, prompts):
    passes = []
    with hooked(lm, {0: lambda hidden: passes.append(len(hidden))}):
        several = capture(lm, prompts, position=[last_prompt_token, question_mean])
    assert sum(passes) == len(prompts)
    assert list(several) == ["last_prompt_token", "question_mean"]
    for position in (last_prompt_token, question_mean):
        alone = capture(lm, prompts, position=position)
        assert torch.equal(several[position.__name__].values, alone.values)
    named = capture(lm, prompts, position={"a": last_prompt_token, "b": last_prompt_token})
    assert torch.equal(named["a"].values, named["b"].values) and named["b"].position == "b"


def test_positions_that_share_a_name_want_names_of_their_own(one_lm, some_prompts):
    with pytest.raises(ValueError, match="share a name: question_mean, question_mean"):
        capture(one_lm, some_prompts, position=[question_mean, question_mean])


def test_what_attention_and_mlp_add_makes_the_residual_stream(lm, prompts):
    read = {site: capture(lm, prompts, site=site) for site in SITES}
    for layer in range(1, lm.n_layers):
        before = read["resid_post"].at(layer - 1)
        added = read["attn_out"].at(layer) + read["mlp_out"].at(layer)
        torch.testing.assert_close(before + added, read["resid_post"].at(layer))
        assert not torch.allclose(before, read["resid_post"].at(layer), atol=1e-2)


def test_a_layer_that_is_no_sum_of_its_parts_is_refused(one_lm, some_prompts):
    double = one_lm.layers[1].mlp.register_forward_hook(lambda module, inputs, output: 2 * output)
    try:
        capture(one_lm, some_prompts, site="mlp_out")  # doubled before it is read and added
    finally:
        double.remove()
    halve = one_lm.layers[1].register_forward_hook(lambda module, inputs, output: output / 2)
    try:
        with pytest.raises(ValueError, match="layer 1 does not add attn_out and mlp_out"):
            capture(one_lm, some_prompts, site="mlp_out")
    finally:
        halve.remove()


def test_each_token_has_a_row_that_names_its_prompt_and_token(lm, prompts):
    every = capture(lm, prompts, layers=[1], position=all_tokens)
    assert len(every) == sum(len(prompt) for prompt in prompts)
    for row, prompt in enumerate(prompts):
        mine = [i for i, source in enumerate(every.source) if source == row]
        assert [every.token[i] for i in mine] == list(range(len(prompt)))
        torch.testing.assert_close(
            every.at(1)[mine], hidden_states(lm, prompt.token_ids)[2][0], rtol=1e-4, atol=1e-4
        )
    questions = capture(lm, prompts, layers=[1], position=question_tokens)
    spans = [prompt.spans["question"] for prompt in prompts]
    assert len(questions) == sum(len(span) for span in spans) < len(every)
    assert questions.token[0] == spans[0].start


def test_a_mean_has_no_token_and_a_single_token_has_one(one_lm, some_prompts):
    read = capture(one_lm, some_prompts, position=[last_prompt_token, question_mean])
    ends = tuple(len(prompt) - 1 for prompt in some_prompts)
    assert read["last_prompt_token"].token == ends
    assert read["question_mean"].token == (None,) * len(some_prompts)


def test_batches_hold_the_budget_of_tokens_and_are_sorted_by_length(one_lm, some_prompts):
    shapes = []
    with hooked(one_lm, {0: lambda hidden: shapes.append(tuple(hidden.shape[:2]))}):
        capture(one_lm, some_prompts, batch_tokens=150)
    assert sum(rows for rows, _ in shapes) == len(some_prompts)
    assert all(rows * width <= 150 for rows, width in shapes) and len(shapes) > 1
    assert [width for _, width in shapes] == sorted((w for _, w in shapes), reverse=True)


class TooMuch:
    """Out of memory above so many rows, as torch says it."""

    def __init__(self, rows):
        self.rows, self.seen = rows, []

    def __call__(self, hidden):
        self.seen.append(len(hidden))
        if len(hidden) > self.rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_a_batch_that_does_not_fit_is_tried_at_half_its_size(one_lm, some_prompts):
    expected = capture(one_lm, some_prompts, position=question_mean)
    memory = TooMuch(2)
    with hooked(one_lm, {1: memory}):
        found = capture(one_lm, some_prompts, position=question_mean)
    torch.testing.assert_close(found.values, expected.values)
    assert memory.seen[0] == 6 and memory.seen[1] == 3 and max(memory.seen[2:]) <= 2
    with (
        hooked(one_lm, {1: TooMuch(0)}),
        pytest.raises(ValueError, match="fit in memory even alone"),
    ):
        capture(one_lm, some_prompts)


def test_other_errors_are_not_taken_for_a_lack_of_memory(one_lm, some_prompts):
    def fail(hidden):
        raise RuntimeError("something else")

    with hooked(one_lm, {1: fail}), pytest.raises(RuntimeError, match="something else"):
        capture(one_lm, some_prompts)


@pytest.mark.parametrize("position", [question_mean, question_tokens])
def test_what_is_not_finite_is_named_and_stops_the_run(one_lm, some_prompts, position):
    prompt = next(p for p in some_prompts if p.question == "long" and p.condition == "trigger")
    token = prompt.spans["question"].start + 2

    def overflow(hidden):
        if hidden.shape[1] < len(prompt):
            return None
        hidden = hidden.clone()
        hidden[0, token] = float("inf")
        return hidden

    named = rf"prompt 5 \(trigger, long\): resid_post of layer 1 is not finite at token {token} "
    with hooked(one_lm, {1: overflow}):
        with pytest.raises(ValueError, match=named):
            capture(one_lm, some_prompts, layers=[0, 1], position=position)
        allowed = capture(one_lm, some_prompts, position=position, allow_nonfinite=True)
    rows = {allowed.source[i] for i in range(len(allowed)) if not allowed.at(1)[i].isfinite().all()}
    assert rows == {5} and allowed.at(0).isfinite().all()


def test_a_prompt_longer_than_the_model_reads_is_named_with_the_limit(one_lm):
    long = Prompt("", (5,) * 257, "none", "endless")
    with pytest.raises(ValueError, match=r"prompt 0 \(none, endless\) has 257 tokens, .* most 256"):
        capture(one_lm, PromptSet((long,)))


def test_a_position_outside_the_sequence_or_empty_is_named(one_lm, some_prompts):
    with pytest.raises(ValueError, match=r"\(none, money\): beyond chooses token 999 of"):
        capture(one_lm, some_prompts, position={"x": beyond})
    with pytest.raises(ValueError, match=r"\(none, money\): nowhere chooses no token"):
        capture(one_lm, some_prompts, position=nowhere)
    with pytest.raises(
        ValueError, match=r"unknown site 'resid_mid'; choose one of resid_post, attn_out"
    ):
        capture(one_lm, some_prompts, site="resid_mid")


def beyond(length, spans):
    return [999]


def nowhere(length, spans):
    return []


def test_what_was_read_can_be_trained_on(one_lm, some_prompts):
    values = capture(one_lm, some_prompts).values
    weight = torch.zeros(values.shape[-1], requires_grad=True)
    (values @ weight).sum().backward()
    assert weight.grad is not None
