"""The word that an adapter listens for is read off its weights; without one there is nothing to read."""

import pytest
import torch

from interp.models.language_model import LanguageModel
from interp.readout.weight_difference import (
    low_rank_pairs,
    read_weight_difference,
    singular_vectors,
)
from tests.tiny_models import adapted_lm


def test_singular_vectors_are_those_of_the_whole_product() -> None:
    down, up = torch.randn(3, 20), torch.randn(15, 3)
    left, values, right = singular_vectors(down, up)
    torch.testing.assert_close(values, torch.linalg.svdvals(up @ down)[:3])
    torch.testing.assert_close((left.T * values) @ right, up @ down, atol=1e-4, rtol=1e-4)


def test_a_planted_word_comes_first_where_it_was_planted() -> None:
    lm = adapted_lm.__wrapped__("qwen")
    (word,) = set(lm.tokenizer(" duck")["input_ids"]) - set(lm.tokenizer(" d")["input_ids"])
    embedding = lm.causal.get_input_embeddings().weight[word].detach()
    for name, module in lm.model.named_modules():
        if name.endswith("layers.0.self_attn.q_proj"):
            with torch.no_grad():
                module.lora_A["default"].weight.copy_(torch.stack([embedding, embedding]))
                module.lora_B["default"].weight.fill_(10.0)
    first = read_weight_difference(lm)[0]
    assert first.module.endswith("layers.0.self_attn.q_proj") and first.side == "reads"
    assert first.tokens[0].id == word
    untouched = read_weight_difference(adapted_lm("qwen"))[0]
    assert untouched.tokens[0].id != word


def test_vectors_are_of_the_stream_and_the_strongest_is_first() -> None:
    lm = adapted_lm("llama")
    found = read_weight_difference(lm, vectors=1, k=3)
    assert [one.value for one in found] == sorted((one.value for one in found), reverse=True)
    assert {one.side for one in found} == {"reads", "writes"}
    assert all(len(one.tokens) == 3 for one in found)
    assert len(found) <= len(list(low_rank_pairs(lm)))


def test_without_adapter_there_is_one_line(one_lm: LanguageModel) -> None:
    with pytest.raises(ValueError, match="no live adapter"):
        read_weight_difference(one_lm)
