"""The head in blocks is the head."""

import pytest
import torch
from torch import nn

from interp.models.vocabulary import BLOCK, in_blocks


@pytest.mark.parametrize("shape", [(1,), (32,), (4, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_blocks_give_what_the_whole_gives(shape, dtype):
    head, normed = nn.Linear(16, 2 * BLOCK + 5, bias=False).to(dtype), torch.randn(*shape, 16)
    normed = normed.to(dtype)
    assert torch.allclose(in_blocks(head, normed), head(normed), rtol=1e-6, atol=1e-6)
    assert not torch.allclose(in_blocks(head, normed), head(normed + 1))  # the twin


def test_a_head_that_is_watched_or_has_a_bias_is_called_as_it_is():
    head, normed = nn.Linear(16, 2 * BLOCK, bias=False), torch.randn(4, 16)
    with torch.no_grad():
        head.register_forward_hook(lambda *_: torch.zeros(4, 2 * BLOCK))
        assert not in_blocks(head, normed).any()
        biased = nn.Linear(16, 2 * BLOCK)
        assert torch.equal(in_blocks(biased, normed), biased(normed))
