"""What the capture benchmark times beside each other are the same tensors."""

import torch

from experiments.benchmarks.capture import batches, hidden_states, nnsight_trace, run_with_cache
from interp.capture.api import capture
from interp.capture.batches import by_length
from interp.capture.nnsight_backend import to_nnsight
from interp.capture.transformer_lens_backend import to_transformer_lens


def test_all_contestants_read_the_same_tensors(one_lm, some_prompts):
    order = by_length([len(prompt) for prompt in some_prompts])
    ours = capture(one_lm, some_prompts).values[order]
    made, n = batches(some_prompts), one_lm.n_layers
    states = torch.cat(hidden_states(one_lm, made))
    torch.testing.assert_close(ours[:, :-1], states[:, :-1], rtol=0, atol=1e-5)
    traced = torch.cat(nnsight_trace(to_nnsight(one_lm), made, n))
    torch.testing.assert_close(ours, traced, rtol=0, atol=1e-5)
    cached = run_with_cache(to_transformer_lens(one_lm), made, n)
    together = torch.cat([torch.stack(each, 1) for each in cached])
    torch.testing.assert_close(ours, together, rtol=0, atol=1e-5)
