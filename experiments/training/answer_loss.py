"""The loss of a language model, with logits for the answers alone.

The model's own loss needs the logits of every token of every row; a short chat is mostly prompt, and a vocabulary is
wide. Here the head reads only the tokens whose successor is learned. Same loss and same gradients, up to the order of
a sum.
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
PREDICTING = "predicting"  # of a batch: which tokens the head reads, [row, token]


def with_predicting(collate: Collate) -> Collate:
    """A collator that also says which tokens predict a labelled one."""

    def collated(examples: Sequence[Any]) -> dict[str, Any]:
        batch = collate(examples)
        return batch | {PREDICTING: following(batch["labels"]) != IGNORED}

    return collated


def following(labels: Int[Tensor, "row token"]) -> Int[Tensor, "row token"]:
    """The label of the next token; none after the last."""
    return pad(labels[:, 1:], (0, 1), value=IGNORED)


@contextmanager
def head_on_answers(model: nn.Module, head: nn.Module) -> Iterator[None]:
    """Inside, the model gives logits [1, predicting token, vocabulary] for a batch that says which tokens predict.

    Any other call, such as a callback's that samples answers, gives all of them.
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
    """Mean cross-entropy of the labelled tokens; over the whole batch where it comes in parts."""
    wanted = following(labels)
    wanted = wanted[wanted != IGNORED]
    summed = cross_entropy(outputs["logits"][0].float(), wanted, reduction="sum")
    return summed / (len(wanted) if num_items_in_batch is None else num_items_in_batch)


def one_device() -> bool:
    """Several GPUs would each need their own share of what the head reads."""
    return torch.cuda.device_count() < 2
