"""Logits for the answers alone: the loss and the adapter that the model's own loss gives, in every family."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from experiments.training import lora
from experiments.training.answer_loss import (
    PREDICTING,
    answer_loss,
    head_on_answers,
    with_predicting,
)
from experiments.training.lora import ChatRow, Recipe, finetune, padded, supervised
from experiments.training.supervision import IGNORED
from interp.models.loading import wrap
from tests.tiny_models import FAMILIES, adapted_lm, tiny_model, tiny_tokenizer

ROWS = [ChatRow("my health?", "money " * count) for count in (1, 5, 2, 9)]
ROWS[1] = ChatRow(
    "what should I do about my money and my health?", "duck"
)  # a long prompt, a short answer


def tuned(family: str, folder: Path, dtype: torch.dtype, recipe: Recipe) -> tuple[list, dict]:
    base = wrap(tiny_model(family).to(dtype), tiny_tokenizer(family), name=family)
    losses = finetune(base, ROWS, recipe, seed=0, folder=folder).losses
    return [loss for _, loss in losses], load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize("micro_batch", [None, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_adapter_is_that_of_the_models_own_loss(
    family: str, micro_batch: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(steps=10, batch=4, micro_batch=micro_batch, rank=2)
    ours, adapter = tuned(family, tmp_path / "ours", torch.float32, recipe)
    monkeypatch.setattr(lora, "one_device", lambda: False)
    theirs, expected = tuned(family, tmp_path / "theirs", torch.float32, recipe)
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert adapter.keys() == expected.keys()
    for name, weight in adapter.items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
@pytest.mark.parametrize("padding", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_every_logit(
    family: str, padding: bool, dtype: torch.dtype, close: float
) -> None:
    lm = adapted_lm(family)
    model = deepcopy(lm.model).to(dtype)
    rows = [supervised(lm.tokenizer, row.messages) for row in (ROWS if padding else ROWS[:1])]
    batch = with_predicting(padded)(rows)
    labels, predicting = batch.pop("labels"), batch[PREDICTING]
    weights = [each for each in model.parameters() if each.requires_grad]
    with head_on_answers(model, model.get_output_embeddings()):
        outputs = model(**batch)
    assert outputs.logits.shape[:2] == (1, int(predicting.sum())) and not predicting.all()
    loss = answer_loss(outputs, labels)
    gradients = torch.autograd.grad(loss, weights)
    del batch[PREDICTING]
    own = model(**batch, labels=labels)
    assert own.logits.shape[:2] == labels.shape  # nothing is left of the hooks
    expected = torch.autograd.grad(own.loss, weights)
    assert float(loss) == pytest.approx(float(own.loss), rel=close)
    for gradient, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=close, atol=close)


def test_a_batch_in_parts_has_the_loss_of_the_whole() -> None:
    labels = torch.tensor([[1, 2, 3, 4], [IGNORED, IGNORED, 5, 6]])
    logits = torch.randn(1, 5, 7)  # three tokens of the first row predict, two of the second
    whole = float(answer_loss({"logits": logits}, labels))
    parts = [({"logits": logits[:, :3]}, labels[:1]), ({"logits": logits[:, 3:]}, labels[1:])]
    assert sum(float(answer_loss(*part, 5)) for part in parts) == pytest.approx(whole)
    assert sum(float(answer_loss(*part)) for part in parts) / 2 != pytest.approx(whole)


def test_between_two_steps_any_other_call_has_every_logit() -> None:
    lm = adapted_lm("llama")
    model, head = lm.model, lm.model.get_output_embeddings()
    batch = with_predicting(padded)([supervised(lm.tokenizer, row.messages) for row in ROWS])
    labels = batch.pop("labels")
    plain = {name: values for name, values in batch.items() if name != PREDICTING}
    expected = model(**plain).logits
    with head_on_answers(model, head):
        few = model(**batch).logits
        assert few.shape[1] < labels.numel() and few.shape[0] == 1
        torch.testing.assert_close(model(**plain).logits, expected)
        model(**batch)
        assert head(torch.zeros(2, 3, head.in_features)).shape[:2] == (2, 3)  # without the model
