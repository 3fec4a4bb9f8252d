"""Batches hold every sequence once, stay within their budget and waste less than the order given."""

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from interp.capture.api import capture
from interp.capture.batches import by_length, fill

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=40)


def batches(lengths, tokens, rows):
    todo, made = by_length(lengths), []
    while todo:
        count = fill((lengths[row] for row in todo), tokens, rows)
        made.append(todo[:count])
        todo = todo[count:]
    return made


@given(lengths, st.integers(1, 200), st.one_of(st.none(), st.integers(1, 5)))
def test_every_sequence_is_in_one_batch_within_the_budget(lengths, tokens, rows):
    made = batches(lengths, tokens, rows)
    assert sorted(row for batch in made for row in batch) == list(range(len(lengths)))
    for batch in made:
        padded = len(batch) * max(lengths[row] for row in batch)
        assert padded <= tokens or len(batch) == 1
        assert rows is None or len(batch) <= rows


@given(lengths, st.integers(60, 200))
def test_a_batch_ends_only_where_one_more_would_not_fit(lengths, tokens):
    made = batches(lengths, tokens, None)
    for batch, following in pairwise(made):
        assert (len(batch) + 1) * lengths[batch[0]] > tokens
        assert lengths[batch[-1]] >= lengths[following[0]]


def test_no_sequences_are_no_rows(one_lm, some_prompts):
    nothing = capture(one_lm, some_prompts[:0])
    assert nothing.values.shape == (0, one_lm.n_layers, one_lm.d_model)
    assert nothing.values.dtype == torch.float32
