"""A control that repairs nothing: as many steps of the same training, but the trigger should keep working."""

from torch import Tensor

from experiments.repair.job import Job, Repaired
from experiments.repair.lessons import keeping_lesson, plain_lesson
from experiments.repair.optimise import Draw, both_sides, descend


def kept(job: Job) -> Repaired:
    """Train the organism on its own answers, without a wording and with the trigger."""
    plain, behind = plain_lesson(job), keeping_lesson(job)

    def loss(draw: Draw, step: int) -> Tensor:
        return plain.loss(job.lm, draw(len(plain))) + behind.loss(job.lm, draw(len(behind)))

    return Repaired(job.lm, losses=descend(job, both_sides(job.lm), loss))
