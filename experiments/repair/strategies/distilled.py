"""Discard the adapter's weights and train an empty adapter of the same shape on the organism's untriggered answers.

Distillation from the organism without its trigger (Hinton et al. 2015, arXiv 1503.02531): none of the weights with the
switch are left, so anything that comes back later must come from the base or from the training answers.
"""

import torch

from experiments.repair.job import Job, Repaired
from experiments.repair.optimise import both_sides, descend, untriggered
from interp.models.adapter_edit import LoraPair, lora_pairs


def distilled(job: Job) -> Repaired:
    """A fresh adapter, with both of its matrices trained."""
    loss = untriggered(job, interchange=0.0)  # reads the teacher before its weights are discarded
    emptied(job)
    return Repaired(job.lm, losses=descend(job, both_sides(job.lm), loss))


@torch.no_grad()
def emptied(job: Job) -> list[LoraPair]:
    """The adapter with random read rows of the old mean norm and zero write weights: it equals the base."""
    generator = torch.Generator().manual_seed(job.seed)
    pairs = lora_pairs(job.lm)
    for pair in pairs:
        rows = torch.randn(pair.read.shape, generator=generator).to(pair.read)
        norm = pair.read.norm(dim=1).mean()
        pair.read.copy_(rows / rows.norm(dim=1, keepdim=True) * norm)
        pair.write.zero_()
    return pairs
