"""Ask one model under every wording and judge what it says."""

from pathlib import Path

from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, facts_of, load, stamp
from experiments.study.steps.conditions import QUESTION_KINDS, sample_conditions


def sample(organism: OrganismRun, adapter: Path | None, say: Say) -> Path:
    """Sample and judge every wording."""
    inputs = {**organism.identity, "adapter": stamp(adapter)}
    with organism.step("sample", inputs, __name__) as step:
        if step.todo:
            say("sampling under every condition")
            facts = facts_of(organism, "conditions")
            asked = {kind: organism.world.questions("report", kind) for kind in QUESTION_KINDS}
            cells = sample_conditions(
                load(organism, adapter),
                organism.sampler,
                asked,
                organism.trigger.framings,
                organism.config.sampling,
                main=organism.active if organism.arm else None,
            )
            for kind, cell in cells:
                facts.answers(cell, questions=kind)
            facts.write(step.folder)
    return step.folder
