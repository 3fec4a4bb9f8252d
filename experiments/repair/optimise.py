"""Change some matrices of an adapter by gradient descent; everything else of the model stays as it is."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from experiments.repair.job import Job
from experiments.repair.lessons import behind_lesson, donor_swaps, plain_lesson
from interp.interventions import Patch
from interp.models.adapter_edit import lora_pairs
from interp.models.language_model import LanguageModel

LEARNING_RATE = 1e-3
ROWS = 8  # answers of each term in one step
Draw = Callable[[int], list[int]]  # so many rows of that many
Loss = Callable[[Callable[[int], list[int]], int], Tensor]


def both_sides(lm: LanguageModel) -> list[Tensor]:
    """All matrices of the adapter: what it reads and what it writes."""
    return [weight for pair in lora_pairs(lm) for weight in (pair.read, pair.write)]


def descend(
    job: Job, weights: Sequence[Tensor], loss: Loss, *, learning_rate: float = LEARNING_RATE
) -> tuple[float, ...]:
    """Adam on `weights` for the job's steps, the learning rate falling to zero; the loss at every step.

    `loss(draw, step)`: `draw(n)` gives the rows of this step out of n.
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
    """KL to the organism without wording: without wording, with the wordings, and with the switch put in.

    `interchange`: the weight of the last; 0 leaves it out.
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
