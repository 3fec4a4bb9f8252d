"""Interventions take numbers in every common form, and refuse what is none in one line."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import FRAMINGS, QUESTIONS, tiny_lm

from interp.capture.api import capture
from interp.directions import Direction, orthonormal, unit
from interp.interventions import (
    Ablate,
    AblateSubspace,
    AblateWrites,
    Add,
    ClampFeature,
    MeanAblate,
    Patch,
    PromptSpan,
)
from interp.rendering import render

WIDTH = 32
V = unit(torch.randn(WIDTH, generator=torch.Generator().manual_seed(0)))
LM = tiny_lm("qwen")
PROMPTS = render(LM.tokenizer, QUESTIONS, FRAMINGS)
DIRECTION = Direction(V, 1, 3.0, "from a to b", "last", "made up", LM.weights_hash, "switch")


def read(*edits):
    return capture(LM, PROMPTS, interventions=edits).values


@pytest.mark.parametrize(
    "given",
    [V.numpy(), V.double().numpy(), V.tolist(), tuple(V.tolist()), list(V), V.double(), V.numpy()[::-1]],
    ids=["float32", "float64", "list", "tuple", "list of tensors", "double", "negative stride"],
)  # fmt: skip
def test_arrays_and_lists_do_what_tensors_do(given) -> None:
    same = torch.tensor([float(number) for number in given])
    assert torch.allclose(read(Add(given, (1,), 2.0)), read(Add(same, (1,), 2.0)), atol=1e-5)
    assert torch.allclose(read(Ablate(given)), read(Ablate(same)), atol=1e-5)
    assert not torch.allclose(read(Ablate(given)), read(), atol=1e-3)


def test_bfloat16_vectors_and_strengths_of_numpy_are_taken() -> None:
    exact = read(Add(V.bfloat16().float(), (1,), 2.0))
    assert torch.equal(read(Add(V.bfloat16(), (1,), np.float32(2))), exact)
    each = np.full(len(PROMPTS), 2.0)
    assert torch.equal(read(Add(V.bfloat16(), (1,), each)), exact)
    assert torch.equal(read(Add(V.bfloat16(), (1,), torch.tensor(2.0))), exact)


EDITS = {
    "ablate": (Ablate(DIRECTION), Ablate(V)),
    "ablate by layer": (Ablate({1: DIRECTION}), Ablate({1: V})),
    "add": (Add(DIRECTION, 4), Add(V, (1,), 4)),
    "add elsewhere": (Add(DIRECTION, (0,), 4.0), Add(V, (0,), 4.0)),
    "add in norms": (Add.from_direction(DIRECTION, 2), Add(V, (1,), 6.0)),
    "subspace": (AblateSubspace(DIRECTION), AblateSubspace(V[None])),
    "subspace of several": (AblateSubspace([DIRECTION]), AblateSubspace(V[None])),
    "writes": (AblateWrites(DIRECTION), AblateWrites(V[None])),
    "mean": (MeanAblate({1: V}, DIRECTION), MeanAblate({1: V}, V[None])),
}


@pytest.mark.parametrize("kind", EDITS)
def test_a_direction_acts_as_its_vector_does_and_on_its_own_model_only(kind: str) -> None:
    of_direction, of_vector = EDITS[kind]
    assert torch.equal(read(of_direction), read(of_vector))
    other = tiny_lm("llama")
    prompts = render(other.tokenizer, QUESTIONS, FRAMINGS)
    with pytest.raises(
        ValueError, match=r"direction 'switch' was fitted to weights .* but this model"
    ):
        capture(other, prompts, interventions=[of_direction])
    capture(other, prompts, interventions=[of_vector])


def test_a_replaced_strength_keeps_the_direction_and_its_check() -> None:
    again = replace(Add(DIRECTION, 4), alpha=1.0)
    assert again.directions() == [DIRECTION]


NAN = V.clone()
NAN[3] = float("nan")
REFUSED = {
    "not finite": (lambda: Add(NAN, (0,), 1.0), r"Add.vector: 1 of 32 numbers are NaN or infinite"),
    "an infinite strength": (lambda: Add(V, (0,), float("inf")), r"Add.alpha: 1 of 1 numbers are"),
    "a stack of stacks": (lambda: Add(V[None, None], (0,), 1.0), r"Add.vector has shape \[1, 1, 32\]"),
    "text": (lambda: Ablate("switch.pt"), r"Ablate.vector is str 'switch.pt', not numbers"),
    "ragged": (lambda: Ablate([[1.0], [1.0, 2.0]]), r"Ablate.vector is list .*, not numbers"),
    "truth values": (lambda: Ablate(V > 0), r"Ablate.vector holds torch.bool"),
    "complex": (lambda: Add(V.numpy() * 1j, (0,), 1.0), r"Add.vector is ndarray .*, not numbers"),
    "text as strength": (lambda: Add(V, (0,), "4"), r"Add.alpha is str '4', not numbers"),
    "no strength": (lambda: Add(V, (0,)), r"Add has no strength; write Add\("),
    "no layers": (lambda: Add(V, alpha=2.0), r"Add has no layers; write Add\("),
    "one layer": (lambda: read(Add(V, 1, 2.0)), r"layers=1: give a list of layers, such as \[1\]"),
    "a vector as subspace": (lambda: AblateSubspace(V), r"AblateSubspace.basis has shape \[32\]"),
    "patch without prompts": (
        lambda: Patch({0: V[None]}, PromptSpan("header")),
        r"Patch.values has shape \[1, 32\]; give a mapping",
    ),
    "half a feature": (lambda: read(ClampFeature(Same(), np.full(6, 0.5), 1.0, 1)), r"feature .*0.5.* is not a whole"),
    "writes for each prompt": (lambda: AblateWrites(V[None, None]), r"\[1, 1, 32\].*for all prompts"),
}  # fmt: skip


class Same:
    def encode(self, x: torch.Tensor, /) -> torch.Tensor:
        return x

    def decode(self, feature_acts: torch.Tensor, /) -> torch.Tensor:
        return feature_acts


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_vector_is_named_in_one_line(kind: str) -> None:
    wrong, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_rows_of_integers_are_numbers_too() -> None:
    first = [1] + [0] * (WIDTH - 1)
    assert torch.equal(Ablate(first).vectors()[0], orthonormal(torch.eye(WIDTH)[:1])[0])
