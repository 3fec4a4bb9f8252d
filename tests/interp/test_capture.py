import pytest
import torch

from interp.capture import capture, capture_answers, residual_norms
from interp.generate import generate
from interp.positions import (
    framing_tokens_mean,
    last_answer_token,
    last_prompt_token,
    mean_answer,
    question_mean,
)
from interp.sites import hooked


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
    silent = generate(one_lm, some_prompts, max_new_tokens=1, seed=0, end_ids=range(300))
    with pytest.raises(ValueError, match="completion 0 is empty"):
        capture_answers(one_lm, silent)
