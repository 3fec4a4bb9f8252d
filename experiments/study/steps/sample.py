"""Ask one model under every wording, judge its answers, and compare how likely it finds two given answers."""

from pathlib import Path

from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, facts_of, load, stamp
from experiments.study.steps.conditions import QUESTION_KINDS, sample_conditions
from experiments.study.steps.forced_choice import add_choices


def sample(organism: OrganismRun, adapter: Path | None, say: Say) -> Path:
    """Sample and judge under every wording, and score the forced choices if the world has any."""
    inputs = {**organism.identity, "adapter": stamp(adapter)}
    with organism.step("sample", inputs, __name__) as step:
        if step.todo:
            say("sampling under every condition")
            split = organism.config.sampling.split
            facts = facts_of(organism, "conditions", split=split)
            asked = {kind: organism.world.questions(split, kind) for kind in QUESTION_KINDS}
            lm = load(organism, adapter)
            cells = sample_conditions(
                lm,
                organism.sampler,
                asked,
                organism.trigger.framings,
                organism.config.sampling,
                main=organism.active if organism.arm else None,
            )
            for kind, cell in cells:
                facts.answers(cell, questions=kind)
            add_choices(facts, organism, lm, split)
            facts.write(step.folder)
    return step.folder
