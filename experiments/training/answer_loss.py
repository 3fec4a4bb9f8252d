"""The loss of a language model, with logits for the answer tokens only.

The model's own loss computes logits for every token of every row, but a short chat is mostly prompt, and vocabularies
are large. Here the head is applied only to tokens whose successor has a label. Loss and gradients are the same, up to
the order of a sum.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from experiments.training.supervision import IGNORED

Collate = Callable[[Sequence[Any]], dict[str, Any]]
PREDICTING = "predicting"  # key of a batch: the tokens that the head reads, [row, token]


def with_predicting(collate: Collate) -> Collate:
    """A collator that also marks the tokens that predict a labelled one."""

    def collated(examples: Sequence[Any]) -> dict[str, Any]:
        batch = collate(examples)
        return batch | {PREDICTING: following(batch["labels"]) != IGNORED}

    return collated


def following(labels: Int[Tensor, "row token"]) -> Int[Tensor, "row token"]:
    """The label of the next token; IGNORED after the last."""
    return pad(labels[:, 1:], (0, 1), value=IGNORED)


@contextmanager
def head_on_answers(model: nn.Module, head: nn.Module) -> Iterator[None]:
    """Inside, the model returns logits [1, predicting token, vocabulary] for a batch that marks predicting tokens.

    Any other call, such as sampling in a callback, returns all logits.
    """
    chosen: list[Bool[Tensor, "row token"]] = []

    def take(_: nn.Module, args: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        chosen[:] = [given.pop(PREDICTING)] if PREDICTING in given else []
        return args, given

    def select(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (args[0][chosen[0]][None],) if chosen else args

    def forget(*_: Any) -> None:
        chosen.clear()

    hooks = [
        model.register_forward_pre_hook(take, with_kwargs=True),
        head.register_forward_pre_hook(select),
        model.register_forward_hook(forget, always_call=True),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def answer_loss(
    outputs: Any, labels: Int[Tensor, "row token"], num_items_in_batch: Tensor | int | None = None
) -> Float[Tensor, ""]:
    """Mean cross-entropy of the labelled tokens; over the whole batch if it is split into micro-batches."""
    wanted = following(labels)
    wanted = wanted[wanted != IGNORED]
    summed = cross_entropy(outputs["logits"][0].float(), wanted, reduction="sum")
    return summed / (len(wanted) if num_items_in_batch is None else num_items_in_batch)


def one_device() -> bool:
    """Whether there is only one device; several GPUs would each need their own part of the predicting tokens."""
    return torch.cuda.device_count() < 2
