"""Ask one model under every wording and judge what it says."""

from pathlib import Path

from experiments.study.organism import Job
from experiments.study.steps.common import Say, facts_of, load, stamp
from experiments.study.steps.conditions import QUESTION_KINDS, sample_conditions


def behave(job: Job, adapter: Path | None, say: Say) -> Path:
    """Sample and judge every wording."""
    inputs = {**job.identity, "adapter": stamp(adapter)}
    with job.step("behave", inputs, __name__) as step:
        if step.todo:
            say("sampling under every condition")
            facts = facts_of(job, "conditions")
            asked = {kind: job.setting.questions("report", kind) for kind in QUESTION_KINDS}
            cells = sample_conditions(
                load(job, adapter),
                job.sampler,
                asked,
                job.trigger.framings,
                job.config.sampling,
                main=job.active if job.arm else None,
            )
            for kind, cell in cells:
                facts.answers(cell, questions=kind)
            facts.write(step.folder)
    return step.folder
