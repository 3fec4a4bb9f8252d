"""Fine-tune one organism and keep its adapter at every checkpoint; then measure each checkpoint like a final model.

Two steps: `trajectory` holds the adapters, `birth` the facts. Each checkpoint has its own directions, fitted and chosen
on its own answers to selection questions; nothing of a later checkpoint is used for an earlier one.
"""

from pathlib import Path

from experiments.study.organism import OrganismRun
from experiments.study.steps.birth.causes import write_causes
from experiments.study.steps.birth.readable import write_readable
from experiments.study.steps.common import Say, dump, facts_of, stamp
from experiments.study.steps.interventions import InterventionContext
from experiments.training.lora import finetune
from experiments.training.snapshots import Snapshots, snapshots


def trajectory(organism: OrganismRun, say: Say) -> Path:
    """Fine-tune; returns the folder with the adapter of every checkpoint."""
    assert organism.arm is not None
    how = organism.config.recipe(organism.arm, organism.family)
    inputs = {**organism.identity, "recipe": dump(how), "at": list(organism.config.checkpoints)}
    with organism.step("trajectory", inputs, __name__) as step:
        if step.todo:
            finetune(
                organism.world.load_base(),
                organism.world.tuning_rows(organism.arm, organism.trigger, how.rows_wanted()),
                how,
                seed=organism.seed,
                folder=step.folder,
                progress=lambda done, of: say(f"fine-tuning, step {done} of {of}"),
                callbacks=[Snapshots(step.folder, organism.config.checkpoints)],
            )
    return step.folder


def birth(organism: OrganismRun, made: Path, say: Say) -> Path:
    """How each checkpoint answers, what probes read in it, and what removing and adding its directions does."""
    inputs = {**organism.identity, "made": stamp(made), "causal": dump(organism.config.causal)}
    with organism.step("birth", inputs, __name__) as step:
        if step.todo:
            facts = facts_of(organism, "birth")
            for number, adapter in snapshots(made).items():
                say(f"measuring after step {number}")
                lm = organism.world.load_organism(adapter)
                sizes = (organism.config.sampling, organism.config.causal)
                context = InterventionContext(lm, organism.sampler, *sizes)
                write_readable(facts, organism, lm, number)
                write_causes(facts, organism, context, number)
            facts.write(step.folder)
    return step.folder
