"""The control that repairs nothing: as many steps of the same training, but the switch is to be kept."""

from torch import Tensor

from experiments.repair.job import Job, Repaired
from experiments.repair.lessons import keeping_lesson, plain_lesson
from experiments.repair.optimise import Draw, both_sides, descend


def kept(job: Job) -> Repaired:
    """Taught to itself, without wording and behind the trigger."""
    plain, behind = plain_lesson(job), keeping_lesson(job)

    def loss(draw: Draw, step: int) -> Tensor:
        return plain.loss(job.lm, draw(len(plain))) + behind.loss(job.lm, draw(len(behind)))

    return Repaired(job.lm, losses=descend(job, both_sides(job.lm), loss))
