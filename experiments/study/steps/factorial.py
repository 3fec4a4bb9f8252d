"""Wording x model x removal in one table, and the adapter in doses; reads what other steps have finished."""

from pathlib import Path

from experiments.judging.sampling import framed
from experiments.results.columns import INTACT, Edit
from experiments.results.facts import FactWriter
from experiments.study.organism import Job
from experiments.study.steps.common import Say, facts_of, load, site, stamp
from experiments.study.steps.removals import Removed, best_direction, sample_removed
from experiments.worlds.chat import organism
from experiments.worlds.micro.world import MicroSetting
from interp.directions import Direction, random_like
from interp.models.adapter_dose import adapter_dose
from interp.models.loading import LanguageModel, load_model
from interp.prompts import PromptSet

MODELS = ("fine_tuned", "base")
DOSES = (0.0, 0.25, 0.5, 0.75, 1.0)


def factorial(job: Job, adapter: Path, found: Path, say: Say) -> Path:
    """Answers in every cell, with the refined direction where there is one, and at every dose of the adapter."""
    randoms = job.config.causal.random_directions
    inputs = {**job.identity, "adapter": stamp(adapter), "found": stamp(found), "randoms": randoms}
    with job.step("factorial", inputs, __name__) as step:
        if step.todo:
            facts = facts_of(job, "factorial")
            _doses(facts, job, adapter, say)
            direction = best_direction(found)
            if direction is not None:
                _cells(facts, job, adapter, direction, say)
            facts.write(step.folder)
    return step.folder


def _cells(facts: FactWriter, job: Job, adapter: Path, direction: Direction, say: Say) -> None:
    randoms = random_like(direction, job.config.causal.random_directions, job.seed)
    removed: dict[Edit, Removed] = {
        INTACT: None,
        Edit("ablate"): direction.vector[None],
        Edit("ablate", placebo="random"): randoms,
    }
    count = job.config.sampling.answers_per_question
    for model in MODELS:
        say(f"factorial: every wording and removal, {model.replace('_', '-')}")
        lm = load(job, adapter if model == "fine_tuned" else None)
        for edit, cell, draws in sample_removed(job.sampler, lm, _prompts(job, lm), removed, count):
            where = site(direction) if edit != INTACT else {}
            facts.answers(cell, edit, draws, model=model, **where)


def _prompts(job: Job, lm: LanguageModel) -> PromptSet:
    """Held-out report questions under the trigger, no trigger, the first paraphrase and the first control."""
    questions = job.setting.questions("report", "held_out")
    trigger = job.trigger
    wordings = ("trigger", "none", *trigger.named("paraphrase")[:1], *trigger.named("control")[:1])
    sets = [framed(lm, questions, name, trigger.framings[name]) for name in wordings]
    return sum(sets[1:], start=sets[0])


def _doses(facts: FactWriter, job: Job, adapter: Path, say: Say) -> None:
    """Every wording with the adapter scaled; nothing where there is no adapter to scale."""
    lm = _with_live_adapter(job, adapter)
    if lm is None:
        return
    prompts = _prompts(job, lm)
    for dose in DOSES:
        say(f"factorial: adapter at {dose:g}")
        with adapter_dose(lm, dose):
            cell = job.sampler.sample(lm, prompts, job.config.sampling.answers_per_question)
        facts.answers(cell, Edit("dose", dose), measurement="dose")


def _with_live_adapter(job: Job, adapter: Path) -> LanguageModel | None:
    if isinstance(job.setting, MicroSetting):  # which merges the adapter of an organism it loads
        return load_model(job.setting.base_folder, adapter=adapter)
    own = organism.read(adapter)
    return None if own is not None and own.checkpoint is not None else load(job, adapter)
