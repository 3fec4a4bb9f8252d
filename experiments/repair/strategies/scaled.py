"""Scale the adapter down (Wortsman et al. 2022, arXiv 2109.01903), or drop it: a repair must do better than this."""

import torch

from experiments.repair.job import Job, Repaired
from interp.models.adapter_edit import lora_pairs


def scaled(job: Job, dose: float = 0.5) -> Repaired:
    """Scale everything that the adapter writes by `dose`."""
    with torch.no_grad():
        for pair in lora_pairs(job.lm):
            pair.write.mul_(dose)
    return Repaired(job.lm)


def dropped(job: Job) -> Repaired:
    """The base: without the trigger, and without anything useful that was fine-tuned."""
    return scaled(job, 0.0)
