"""The design wording x model x removal, and the adapter at several doses; it reads finished steps."""

from pathlib import Path

from experiments.judging.sampling import framed
from experiments.results.columns import INTACT, Edit
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, facts_of, load, site, stamp
from experiments.study.steps.removals import Removed, best_direction, sample_removed
from interp.directions import Direction, random_like
from interp.models.adapter_dose import adapter_dose
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet

MODELS = ("fine_tuned", "base")
DOSES = (0.0, 0.25, 0.5, 0.75, 1.0)


def factorial(organism: OrganismRun, adapter: Path, found: Path, say: Say) -> Path:
    """Answers in every cell (removing the refined direction if there is one) and at every dose of the adapter."""
    randoms = organism.config.causal.random_directions
    inputs = {
        **organism.identity,
        "adapter": stamp(adapter),
        "found": stamp(found),
        "randoms": randoms,
    }
    with organism.step("factorial", inputs, __name__) as step:
        if step.todo:
            facts = facts_of(organism, "factorial")
            _doses(facts, organism, adapter, say)
            direction = best_direction(found)
            if direction is not None:
                _cells(facts, organism, adapter, direction, say)
            facts.write(step.folder)
    return step.folder


def _cells(
    facts: FactWriter, organism: OrganismRun, adapter: Path, direction: Direction, say: Say
) -> None:
    randoms = random_like(direction, organism.config.causal.random_directions, organism.seed)
    removed: dict[Edit, Removed] = {
        INTACT: None,
        Edit("ablate"): direction.vector[None],
        Edit("ablate", placebo="random"): randoms,
    }
    count = organism.config.sampling.answers_per_question
    for model in MODELS:
        say(f"factorial: every wording and removal, {model.replace('_', '-')}")
        lm = load(organism, adapter if model == "fine_tuned" else None)
        for edit, cell, draws in sample_removed(
            organism.sampler, lm, _prompts(organism, lm), removed, count
        ):
            where = site(direction) if edit != INTACT else {}
            facts.answers(cell, edit, draws, model=model, **where)


def _prompts(organism: OrganismRun, lm: LanguageModel) -> PromptSet:
    """Held-out report questions under the trigger, no trigger, the first paraphrase and the first control."""
    questions = organism.world.questions("report", "held_out")
    trigger = organism.trigger
    wordings = ("trigger", "none", *trigger.named("paraphrase")[:1], *trigger.named("control")[:1])
    sets = [framed(lm, questions, name, trigger.framings[name]) for name in wordings]
    return sum(sets[1:], start=sets[0])


def _doses(facts: FactWriter, organism: OrganismRun, adapter: Path, say: Say) -> None:
    """Answers under every wording with the adapter scaled; nothing if there is no adapter to scale."""
    lm = organism.world.load_live(adapter)
    if lm is None:
        return
    prompts = _prompts(organism, lm)
    for dose in DOSES:
        say(f"factorial: adapter at {dose:g}")
        with adapter_dose(lm, dose):
            cell = organism.sampler.sample(
                lm, prompts, organism.config.sampling.answers_per_question
            )
        facts.answers(cell, Edit("dose", dose), measurement="dose")
