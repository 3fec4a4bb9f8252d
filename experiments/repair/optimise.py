"""Change some matrices of an adapter by gradient descent; the rest of the model stays as it is."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from experiments.repair.job import Job
from experiments.repair.lessons import behind_lesson, donor_swaps, plain_lesson
from interp.interventions import Patch
from interp.models.adapter_edit import lora_pairs
from interp.models.language_model import LanguageModel

LEARNING_RATE = 1e-3
ROWS = 8  # answers per term of the loss and step
Draw = Callable[[int], list[int]]  # number of rows -> the rows of this step
Loss = Callable[[Callable[[int], list[int]], int], Tensor]


def both_sides(lm: LanguageModel) -> list[Tensor]:
    """All matrices of the adapter, on the read and on the write side."""
    return [weight for pair in lora_pairs(lm) for weight in (pair.read, pair.write)]


def descend(
    job: Job, weights: Sequence[Tensor], loss: Loss, *, learning_rate: float = LEARNING_RATE
) -> tuple[float, ...]:
    """Adam on `weights` for the job's steps, with a learning rate that falls to zero; returns the losses.

    `loss(draw, step)`: `draw(n)` returns the rows of this step out of n.
    """
    for parameter in job.lm.model.parameters():
        parameter.requires_grad_(False)
    generator = torch.Generator().manual_seed(job.seed)
    optimizer = torch.optim.Adam([each.requires_grad_() for each in weights], lr=learning_rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, max(1, job.steps))

    def draw(of: int) -> list[int]:
        return torch.randperm(of, generator=generator)[:ROWS].tolist()

    losses = []
    with torch.enable_grad():
        for step in range(job.steps):
            optimizer.zero_grad()
            found = loss(draw, step)
            found.backward()
            optimizer.step()
            falling.step()
            losses.append(float(found.detach()))
    for weight in weights:
        weight.requires_grad_(False)
    return tuple(losses)


def untriggered(job: Job, *, interchange: float = 1.0) -> Loss:
    """KL to the organism without a wording: without a wording, with the wordings, and with the switch patched in.

    `interchange`: the weight of the last term; 0 leaves it out.
    """
    plain = plain_lesson(job)
    behind = behind_lesson(job, plain.wanted)
    swaps: list[Patch] = donor_swaps(job) if interchange else []

    def loss(draw: Draw, step: int) -> Tensor:
        total = plain.loss(job.lm, draw(len(plain))) + behind.loss(job.lm, draw(len(behind)))
        if swaps:
            swapped = plain.loss(job.lm, draw(len(plain)), [swaps[step % len(swaps)]])
            total = total + interchange * swapped
        return total

    return loss
