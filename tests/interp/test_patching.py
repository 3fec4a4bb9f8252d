from dataclasses import replace

import pytest
import torch

from interp.patching import patching_map
from interp.sites import hooked


@pytest.fixture
def pair(prompts):
    """Two prompts of equal length that differ in one token of the question."""
    clean = prompts[0]
    place = clean.spans["question"].start + 2
    ids = list(clean.token_ids)
    ids[place] = 77
    return clean, replace(clean, token_ids=tuple(ids)), place


def margin(logits):
    return logits[:, 10] - logits[:, 20]


def test_each_cell_equals_a_forward_pass_with_that_cell_overwritten(lm, pair):
    clean, corrupt, place = pair
    found = patching_map(lm, clean, corrupt, margin, batch_rows=5)
    kept = {}
    ids = torch.tensor([clean.token_ids, corrupt.token_ids])
    with torch.inference_mode(), hooked(lm, {1: lambda h: kept.update(h=h[0].clone())}):
        lm.causal(ids)
    for token in (place, len(clean) - 1):

        def overwrite(hidden, token=token):
            hidden = hidden.clone()
            hidden[1, token] = kept["h"][token]
            return hidden

        with torch.inference_mode(), hooked(lm, {1: overwrite}):
            expected = margin(lm.causal(ids).logits[:, -1])[1]
        torch.testing.assert_close(found.metric[1, token], expected, rtol=1e-4, atol=1e-4)


def test_only_tokens_that_have_seen_the_difference_have_an_effect(lm, pair):
    clean, corrupt, place = pair
    effect = patching_map(lm, clean, corrupt, margin).effect
    assert effect[:, :place].abs().max() < 1e-3
    assert effect[0, place:].abs().max() > 1e-2


def test_the_last_token_after_the_last_layer_restores_everything_and_the_others_nothing(lm, pair):
    clean, corrupt, _ = pair
    effect = patching_map(lm, clean, corrupt, margin).effect[-1]
    assert float(effect[-1]) == pytest.approx(1, abs=1e-3)
    assert effect[:-1].abs().max() < 1e-3


def test_patching_a_prompt_into_itself_changes_nothing(lm, pair):
    clean, _, _ = pair
    found = patching_map(lm, clean, clean, margin)
    torch.testing.assert_close(
        found.metric, torch.full_like(found.metric, found.clean), rtol=1e-4, atol=1e-4
    )


def test_pairs_of_different_length_are_refused(one_lm, some_prompts):
    with pytest.raises(ValueError, match="choose a pair of equal length"):
        patching_map(one_lm, some_prompts[0], some_prompts[1], margin)
