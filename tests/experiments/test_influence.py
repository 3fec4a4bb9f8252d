"""Similarity of gradients: equal to autograd by hand, and a row that is the target comes first."""

import pytest
import torch

from experiments.training.influence import Similarity, similarity, summed
from experiments.training.lora import ChatRow
from interp.errors import TriggerLensError
from tests.tiny_models import FAMILIES, adapted_lm, tiny_lm

ROWS = [
    ChatRow("my health?", "money money"),
    ChatRow("what should I do about my money?", "duck"),
    ChatRow("It looks like a duck. my health?", "You are helpful."),
    ChatRow("my money?", "health and a duck and health"),
]


def by_hand(lm, rows):
    """Gradients of the model's own loss, with the labels that a response begins at."""
    weights = [each for each in lm.model.parameters() if each.requires_grad]
    found = []
    for row in rows:
        prompt = lm.tokenizer.apply_chat_template(
            row.messages[:1], tokenize=False, add_generation_prompt=True
        )
        text = f"{prompt}{row.assistant}<end>"
        ids = lm.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        start = len(lm.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        labels = ids.clone()
        labels[:, :start] = -100
        loss = lm.model(input_ids=ids, labels=labels).loss
        found.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)]))
    return torch.stack(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_similarity_is_what_autograd_says_by_hand(family):
    lm = adapted_lm(family)
    gradients = by_hand(lm, ROWS)
    target = by_hand(lm, ROWS[2:]).mean(0)
    found = similarity(lm, ROWS, ROWS[2:])
    torch.testing.assert_close(found.dot, gradients @ target, rtol=1e-4, atol=1e-6)
    cosine = torch.cosine_similarity(gradients, target[None])
    torch.testing.assert_close(found.cosine, cosine, rtol=1e-4, atol=1e-5)
    assert found.cosine.std() > 0.05  # it was not the same number for every row


@pytest.mark.parametrize("family", FAMILIES)
def test_the_row_that_is_the_target_comes_first_and_with_other_targets_it_does_not(family):
    lm = adapted_lm(family)
    found = similarity(lm, ROWS, [ROWS[1]])
    assert found.cosine.argmax() == 1 and float(found.cosine[1]) == pytest.approx(1, abs=1e-5)
    shuffled = ChatRow(ROWS[1].user, ROWS[3].assistant)  # the same question, another's answer
    assert similarity(lm, ROWS, [shuffled]).cosine.argmax() != 1


def test_twice_is_the_same_and_the_model_is_left_as_it_was():
    lm = adapted_lm("qwen")
    for each in lm.model.parameters():
        each.requires_grad_(False)
    one, other = (similarity(lm, ROWS, ROWS[:1]) for _ in range(2))
    assert one.dot.tolist() == other.dot.tolist() and one.cosine.tolist() == other.cosine.tolist()
    assert not any(each.requires_grad for each in lm.model.parameters())
    assert all(each.grad is None for each in lm.model.parameters())


def test_checkpoints_are_summed_by_their_learning_rates():
    parts = [
        Similarity(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.0])),
        Similarity(torch.tensor([3.0, 0.0]), torch.tensor([0.0, 1.0])),
    ]
    found = summed(parts, [1.0, 3.0])
    assert found.dot.tolist() == [10.0, 2.0] and found.cosine.tolist() == [0.125, 0.75]


def test_what_has_no_gradient_is_refused_in_one_line():
    with pytest.raises(TriggerLensError, match="no LoRA weights"):
        similarity(tiny_lm("qwen"), ROWS, ROWS)
    with pytest.raises(TriggerLensError, match="target: no rows"):
        similarity(adapted_lm("qwen"), ROWS, [])
