"""A control for the learned edits: the same rank, losses and steps, but the adapter reads from a random subspace.

The read side stays random, and only the write side is trained (frozen random projections, as in Kopiczko et al.
2024, "VeRA", arXiv 2310.11454). If this works as well, the subspace found by a learned edit is not special.
"""

from experiments.repair.job import Job, Repaired
from experiments.repair.optimise import descend, untriggered
from experiments.repair.strategies.distilled import emptied


def random_subspace(job: Job) -> Repaired:
    """An adapter with a random read side, trained like the learned one."""
    loss = untriggered(job)
    return Repaired(job.lm, losses=descend(job, [p.write for p in emptied(job)], loss))
