"""Retune the adapter until the trigger makes no difference, on the read side as well as the write side.

1. With the trigger and other wordings, the adapter learns to answer as it does without them, by KL; without a wording
   it learns to stay as it is.
2. The stream that the trigger left at the header is patched into untriggered prompts, and the adapter learns that this
   changes nothing: a penalty on the interchange effect of the switch (Geiger et al. 2023, arXiv 2303.02536).

Limits: unseen wordings may behave differently, and the switch may soon be learned again.
"""

from experiments.repair.job import Job, Repaired
from experiments.repair.optimise import both_sides, descend, untriggered


def learned(job: Job) -> Repaired:
    """With the penalty on the interchange effect."""
    return Repaired(job.lm, losses=descend(job, both_sides(job.lm), untriggered(job)))


def learned_without_interchange(job: Job) -> Repaired:
    """The same with KL only, to show the effect of the penalty."""
    loss = untriggered(job, interchange=0.0)
    return Repaired(job.lm, losses=descend(job, both_sides(job.lm), loss))
