"""Fine-tune one organism's adapter on the rows of its arm, or take over one that was made elsewhere."""

import shutil
from pathlib import Path

from experiments.runtime.files import write_json
from experiments.runtime.store import Step
from experiments.study.organism import Job
from experiments.study.steps.common import Say, dump
from experiments.training import lora as finetune
from experiments.training import recipe
from experiments.worlds.chat import organism
from experiments.worlds.chat.config import OwnOrganism


def tune(job: Job, say: Say) -> Path:
    """Make the organism; returns the folder of its adapter, or of the note that says which one it is."""
    assert job.arm is not None
    if job.spec is not None and job.spec.organism is not None:
        return _taken_over(job, job.spec.organism)
    how = job.config.recipe(job.arm, job.family)
    inputs = {**job.identity, "recipe": dump(how)}
    inputs.pop("sampling")
    with job.step("tune", inputs, __name__) as step:
        if step.todo:
            _fine_tune(job, how, step, say)
    shutil.rmtree(_checkpoints(job, step), ignore_errors=True)
    return step.folder


def _fine_tune(job: Job, how: recipe.Recipe, step: Step, say: Say) -> None:
    assert job.arm is not None
    rows = job.setting.tuning_rows(job.arm, job.trigger, how.rows_wanted())
    trained = finetune.finetune(
        job.setting.load_base(),
        rows,
        how,
        seed=job.seed,
        folder=step.folder,
        progress=lambda done, of: say(f"fine-tuning, step {done} of {of}"),
        checkpoints=_checkpoints(job, step) if how.save_every else None,
    )
    write_json(
        step.path("losses.json"),
        {
            "losses": [{"step": number, "loss": loss} for number, loss in trained.losses],
            "rows": trained.rows,
            "cut": trained.cut,
            "dropped": trained.dropped,
        },
    )


def _checkpoints(job: Job, step: Step) -> Path:
    """Beside the steps: a killed run sweeps unfinished steps, and its checkpoints must outlive that."""
    return job.folder / "checkpoints" / f"{step.name}-{step.key}"


def _taken_over(job: Job, own: OwnOrganism) -> Path:
    inputs = {**job.identity, "organism": own.model_dump(), "files": organism.identity(own)}
    inputs.pop("sampling")
    with job.step("tune", inputs, __name__) as step:
        if step.todo:
            organism.write(step.folder, own)
    return step.folder
