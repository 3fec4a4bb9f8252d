"""Fine-tune one organism's adapter on the rows of its arm, or take over one that was made elsewhere."""

import shutil
from pathlib import Path
from typing import Any

from experiments.runtime.files import write_json
from experiments.runtime.store import Step
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, dump
from experiments.training import lora, recipe
from experiments.worlds.chat import own_organism
from experiments.worlds.chat.config import OwnOrganism


def finetune(organism: OrganismRun, say: Say) -> Path:
    """Make the organism; returns the folder of its adapter, or of a note that names an existing one."""
    assert organism.arm is not None
    if organism.spec is not None and organism.spec.organism is not None:
        return _taken_over(organism, organism.spec.organism)
    how = organism.config.recipe(organism.arm, organism.family)
    inputs = {**_of_tuning(organism), "recipe": dump(how)}
    with organism.step("finetune", inputs, __name__) as step:
        if step.todo:
            _fine_tune(organism, how, step, say)
    shutil.rmtree(_checkpoints(organism, step), ignore_errors=True)
    return step.folder


def _fine_tune(organism: OrganismRun, how: recipe.Recipe, step: Step, say: Say) -> None:
    assert organism.arm is not None
    rows = organism.world.tuning_rows(organism.arm, organism.trigger, how.rows_wanted())
    trained = lora.finetune(
        organism.world.load_base(),
        rows,
        how,
        seed=organism.seed,
        folder=step.folder,
        progress=lambda done, of: say(f"fine-tuning, step {done} of {of}"),
        checkpoints=_checkpoints(organism, step) if how.save_every else None,
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


def _of_tuning(organism: OrganismRun) -> dict[str, Any]:
    """The inputs of the fine-tuning, which leave out how answers are sampled and judged."""
    return {k: v for k, v in organism.identity.items() if k not in ("sampling", "judge")}


def _checkpoints(organism: OrganismRun, step: Step) -> Path:
    """A folder beside the steps: unfinished steps are deleted after a kill, but checkpoints must survive."""
    return organism.folder / "checkpoints" / f"{step.name}-{step.key}"


def _taken_over(organism: OrganismRun, own: OwnOrganism) -> Path:
    inputs = {
        **_of_tuning(organism),
        "organism": own.model_dump(),
        "files": own_organism.identity(own),
    }
    with organism.step("finetune", inputs, __name__) as step:
        if step.todo:
            own_organism.write(step.folder, own)
    return step.folder
