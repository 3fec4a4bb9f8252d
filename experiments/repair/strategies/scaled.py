"""Scale the adapter down (Wortsman et al. 2022, arXiv 2109.01903), or drop it: a repair must do better than this."""

import torch

from experiments.repair.job import Job, Repaired
from interp.models.adapter_edit import lora_pairs


def scaled(job: Job, dose: float = 0.5) -> Repaired:
    """Everything that the adapter writes, times `dose`."""
    with torch.no_grad():
        for pair in lora_pairs(job.lm):
            pair.write.mul_(dose)
    return Repaired(job.lm)


def dropped(job: Job) -> Repaired:
    """The base: no trigger, and nothing of what the fine-tuning was for."""
    return scaled(job, 0.0)
