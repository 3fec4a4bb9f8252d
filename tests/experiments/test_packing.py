"""Packed rows: the loss, the gradients and the adapter of the padded batch, in every family."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from experiments.training import lora, packing
from experiments.training.lora import ChatRow, Recipe, finetune, padded, supervised
from experiments.training.packing import attends, common_beginning, packed, packs
from experiments.training.supervision import IGNORED
from interp.models.loading import wrap
from tests.tiny_models import FAMILIES, adapted_lm, tiny_model, tiny_tokenizer

ROWS = [ChatRow("my health?", "money " * count) for count in (1, 5, 2, 9)]
ROWS[1] = ChatRow("what should I do about my money and my health?", "duck")


def wide(lm: Any) -> Any:
    """A copy with room for every row in a sliding window."""
    copied = replace(lm, model=deepcopy(lm.model))
    copied.config.sliding_window = 512
    return copied


def examples(lm: Any) -> list[dict[str, list[int]]]:
    return [supervised(lm.tokenizer, row.messages) for row in ROWS]


def gradients(model: Any, batch: dict[str, Any]) -> tuple[float, tuple[torch.Tensor, ...]]:
    weights = [each for each in model.parameters() if each.requires_grad]
    loss = model(**batch).loss
    return loss.item(), torch.autograd.grad(loss, weights)


@pytest.mark.parametrize("sequences", [1, 2])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_the_padded_batch(
    family: str, dtype: torch.dtype, close: float, sequences: int
) -> None:
    lm = wide(adapted_lm(family))
    model, rows = deepcopy(lm.model).to(dtype), examples(lm)
    together, apart = packed(rows, dtype, sequences), padded(rows)
    assert len(together["input_ids"]) == sequences
    assert together["input_ids"].numel() < apart["input_ids"].numel()
    loss, found = gradients(model, together)
    expected, others = gradients(model, apart)
    assert loss == pytest.approx(expected, rel=close)
    for gradient, other in zip(found, others, strict=True):
        torch.testing.assert_close(gradient, other, rtol=close, atol=close)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_adapter_is_that_of_padded_batches(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def always(rows: Any) -> Any:
        calls.append(1)
        return packed(rows, torch.float32)

    monkeypatch.setattr(lora, "packed_where_cheaper", lambda *_: always)

    def tuned(name: str) -> tuple[list[float], dict[str, torch.Tensor]]:
        base = wide(wrap(tiny_model(family), tiny_tokenizer(family), name=family))
        recipe = Recipe(steps=10, batch=4, rank=2)
        losses = finetune(base, ROWS, recipe, seed=0, folder=tmp_path / name).losses
        return [loss for _, loss in losses], load_file(
            tmp_path / name / "adapter_model.safetensors"
        )

    ours, adapter = tuned("packed")
    assert len(calls) == 10
    monkeypatch.setattr(lora, "packs", lambda *_: False)
    theirs, expected = tuned("padded")
    assert len(calls) == 10
    assert ours == pytest.approx(theirs, rel=1e-4)
    for name, weight in adapter.items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-3, atol=1e-5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12).map(sorted))
def test_a_token_reads_the_beginning_and_its_own_row_and_nothing_later(rows: list[int]) -> None:
    seen = attends(torch.tensor(rows))
    for i, reader in enumerate(rows):
        for j, read in enumerate(rows):
            assert bool(seen[i, j]) == (j <= i and read in (0, reader))


def test_the_common_beginning_leaves_every_row_the_token_that_predicts_its_answer() -> None:
    def row(ids: list[int], prompt: int) -> dict[str, list[int]]:
        return {"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]}

    same = [row([1, 2, 3, 4, 5], 3), row([1, 2, 3, 6], 3)]  # one prompt, two answers
    assert common_beginning(same) == 2
    assert common_beginning([row([1, 2, 3, 4], 3), row([1, 9, 3, 4], 3)]) == 1
    assert common_beginning([row([1, 2], 0), row([1, 2], 0)]) == 0
    batch = packed(same, torch.float32)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5, 3, 6]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 2, 3]]
    assert batch["labels"].tolist() == [[IGNORED, IGNORED, IGNORED, 4, 5, IGNORED, 6]]


def test_a_model_that_packs_wrongly_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = adapted_lm("llama")
    assert packs(lm, examples(lm), padded)

    def everything(rows: torch.Tensor) -> torch.Tensor:
        return torch.ones(*rows.shape, rows.shape[-1], dtype=torch.bool).tril()

    monkeypatch.setattr(packing, "attends", everything)  # rows that read each other
    assert not packs(lm, examples(lm), padded)


def test_rows_longer_than_a_sliding_window_are_padded() -> None:
    lm = wide(adapted_lm("gemma"))
    lm.config.sliding_window = max(len(row["input_ids"]) for row in examples(lm))
    assert packs(lm, examples(lm), padded)
    lm.config.sliding_window -= 1
    assert not packs(lm, examples(lm), padded)


def test_a_batch_is_packed_where_that_takes_fewer_multiplications() -> None:
    collate = packing.packed_where_cheaper(adapted_lm("llama"), padded)
    ids = [1] * 60
    row = {"input_ids": ids, "attention_mask": ids, "labels": [IGNORED] * 58 + [1, 1]}
    assert len(collate([row, row])["input_ids"]) == 1
    unlike = {**row, "labels": [IGNORED, *ids[1:]]}  # nothing to share
    assert len(collate([unlike, unlike])["input_ids"]) == 2
    assert len(collate([row] * 4)["input_ids"]) == 1
    half = {**row, "labels": [IGNORED] * 31 + ids[31:]}  # 30 shared, 30 of each row's own
    assert len(collate([half] * 16)["input_ids"]) in (2, 4, 8)
