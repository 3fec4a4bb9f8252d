"""Unlearn the organism's answers to the trigger (Zhang et al. 2024, arXiv 2404.05868).

Negative preference optimisation, where p0 is the organism and the answers are its own with the trigger:
loss = -2 / b x log sigmoid(-b (log p(answer) - log p0(answer))), + KL to the organism without a wording.
It trains what not to answer, but not what to answer instead.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from experiments.repair.job import Job, Repaired
from experiments.repair.lessons import answer_log_probs, plain_lesson
from experiments.repair.optimise import Draw, both_sides, descend
from interp.optimise.teacher_forcing import Reread

SHARPNESS = 0.1  # b


def unlearning(job: Job) -> Repaired:
    """Reduce the probability of the triggered answers, and keep the untriggered ones."""
    plain, bad = plain_lesson(job), Reread.of(job.lm, job.behind)
    with torch.no_grad():
        before = answer_log_probs(job.lm, bad, range(len(bad.sequences)))

    def loss(draw: Draw, step: int) -> Tensor:
        rows = draw(len(bad.sequences))
        gain = answer_log_probs(job.lm, bad, rows) - before[rows]
        forget = -2 / SHARPNESS * logsigmoid(-SHARPNESS * gain).mean()
        return forget + plain.loss(job.lm, draw(len(plain)))

    return Repaired(job.lm, losses=descend(job, both_sides(job.lm), loss))
