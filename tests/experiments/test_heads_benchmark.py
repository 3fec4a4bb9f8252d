"""What the benchmark of heads times beside each other are the same numbers."""

import torch

from experiments.benchmarks import heads
from experiments.benchmarks.patching import random_pairs
from experiments.benchmarks.random_model import random_llama
from interp.capture.transformer_lens_backend import to_transformer_lens

SIZES = {
    "vocab_size": 8192,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def test_all_contestants_find_the_same_heads():
    lm, pairs = random_llama(SIZES), random_pairs(2)
    ours = heads.ours(lm, pairs)
    assert ours.shape == (3, 4) and float(ours.std()) > 1e-3
    for theirs in (heads.naive(lm, pairs), heads.transformer_lens(to_transformer_lens(lm), pairs)):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_less_than_all_is_left_of_the_arithmetic():
    lm = random_llama(SIZES)
    shallow = random_llama(SIZES | {"num_hidden_layers": 2})
    assert 0 < heads.arithmetic(shallow) < heads.arithmetic(lm) < 0.5
