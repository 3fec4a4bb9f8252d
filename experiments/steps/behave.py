"""Ask one model under every condition and judge what it says."""

from pathlib import Path

from experiments import behaviour, cell_rows
from experiments.behaviour import DOMAINS, behaviour_rows, read_cells, sample_conditions
from experiments.estimates import write_estimates
from experiments.files import write_jsonl
from experiments.job import Job
from experiments.steps.common import Say, answers_and, load, stamp


def behave(job: Job, adapter: Path | None, base: Path | None, say: Say) -> Path:
    """Sample and judge every condition; `base` is the base's finished step, for the 2x2 difference."""
    inputs = {**job.identity, "adapter": stamp(adapter), "base_answers": stamp(base)}
    code = answers_and(job, behaviour, cell_rows, Path(__file__))
    with job.run.step(f"behave-{job.name}", inputs, code) as step:
        if step.todo:
            say("sampling under every condition")
            conditions = job.trigger.framings
            answers = sample_conditions(
                load(job, adapter),
                job.sampler,
                {domains: job.setting.questions("report", domains) for domains in DOMAINS},
                conditions,
                job.config.sampling,
                main=job.active if job.arm else None,
            )
            write_jsonl(step.path("answers.jsonl"), ({**job.keys, **row} for row in answers))
            untouched = read_cells(base) if base else None
            rows = behaviour_rows(read_cells(step.folder), untouched, job.keys, seed=job.seed)
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder
