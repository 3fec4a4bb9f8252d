"""Fine-tune one organism's adapter on the rows of its arm."""

from pathlib import Path

from experiments import finetune, micro
from experiments.files import write_json
from experiments.job import Job
from experiments.steps.common import Say


def tune(job: Job, say: Say) -> Path:
    """Fine-tune the adapter; returns its folder."""
    assert job.arm is not None
    recipe = job.config.recipe(job.arm, job.family)
    inputs = {**job.identity, "recipe": recipe.model_dump(mode="json")}
    inputs.pop("sampling")
    with job.run.step(f"tune-{job.name}", inputs, [finetune, micro, Path(__file__)]) as step:
        if step.todo:
            base = job.setting.load_base()
            rows = job.setting.tuning_rows(job.arm, job.trigger, recipe.steps * recipe.batch)
            losses = finetune.finetune(
                base,
                rows,
                recipe,
                seed=job.seed,
                folder=step.folder,
                progress=lambda done, of: say(f"fine-tuning, step {done} of {of}"),
            )
            write_json(step.path("losses.json"), losses)
    return step.folder
