"""A control for the learned edits: the same rank, losses and steps, but the adapter reads from a random subspace.

The rows that read stay random, and only those that write are trained (frozen random projections, as in Kopiczko et al.
2024, "VeRA", arXiv 2310.11454). If this works as well, the subspace that an edit found is not special.
"""

from experiments.repair.job import Job, Repaired
from experiments.repair.optimise import descend, untriggered
from experiments.repair.strategies.distilled import emptied


def random_subspace(job: Job) -> Repaired:
    """An adapter that reads at random, taught as the learned one is."""
    loss = untriggered(job)
    return Repaired(job.lm, losses=descend(job, [p.write for p in emptied(job)], loss))
