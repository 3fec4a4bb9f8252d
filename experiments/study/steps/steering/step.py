"""Train a steering vector on selection questions and add it, at several doses, to report questions without trigger."""

from pathlib import Path
from typing import Any

from experiments.judging.sampling import framed
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.runtime.files import write_json
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, facts_of, load, site, stamp
from experiments.study.steps.steering import vectors as steering
from experiments.study.steps.steering.vectors import DOSES, OF_BASE, STEERING, Steering
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet


def steer(organism: OrganismRun, adapter: Path, found: Path, say: Say) -> Path:
    """Answers with the trained vectors added; nothing if the arm has no trigger."""
    inputs = {**organism.identity, "adapter": stamp(adapter), "found": stamp(found)}
    inputs["causal"] = organism.config.causal.model_dump(mode="json")
    with organism.step("steering", inputs, __name__) as step:
        if step.todo:
            begin = steering.start(found) if organism.active == "trigger" else None
            facts = facts_of(organism, "steering")
            if begin:
                _steer(facts, organism, adapter, begin, step.folder, say)
            facts.write(step.folder)
    return step.folder


def _steer(
    facts: FactWriter, organism: OrganismRun, adapter: Path, begin: Steering, folder: Path, say: Say
) -> None:
    lm, base = load(organism, adapter), load(organism, None)
    triggered, plain = (_prompts(organism, lm, "selection", name) for name in ("trigger", "none"))
    times = organism.config.causal.selection_answers_per_question
    said = organism.sampler.sample(lm, triggered, times).completions
    say("training steering vectors")
    trained = steering.train(lm, begin, said, plain, name=STEERING, seed=organism.seed)
    say("training the base's steering vectors")
    twin = steering.train(base, begin, said, plain, name=OF_BASE, seed=organism.seed, teacher=lm)
    for vectors in (trained, twin):
        _save(vectors, folder)
    say("adding steering vectors")
    _in_the_organism(facts, organism, lm, trained)
    asked = _prompts(organism, base, "report", "none")
    count = organism.config.sampling.answers_per_question
    for vectors in (trained, twin):
        cell = organism.sampler.sample(base, asked, count, vectors.added())
        facts.answers(cell, Edit("steer", 1.0), model="base", **_place(vectors))


def _in_the_organism(
    facts: FactWriter, organism: OrganismRun, lm: LanguageModel, trained: Steering
) -> None:
    count = organism.config.sampling.answers_per_question
    for name in ("trigger", "none"):
        facts.answers(organism.sampler.sample(lm, _prompts(organism, lm, "report", name), count))
    plain = _prompts(organism, lm, "report", "none")
    n, seed = organism.config.causal.random_directions, organism.seed
    for dose in DOSES:
        edit, place = Edit("steer", dose), _place(trained)
        facts.answers(organism.sampler.sample(lm, plain, count, trained.added(dose)), edit, **place)
        placebo = trained.placebo(dose, len(plain), n, seed)
        cell = organism.sampler.sample(lm, plain, count, placebo)
        draws = [index % n for index in cell.completions.prompt_index]
        facts.answers(cell, edit.with_placebo("random"), draws, **place)


def _prompts(organism: OrganismRun, lm: LanguageModel, split: str, condition: str) -> PromptSet:
    questions = organism.world.questions(split, "held_out")
    return framed(lm, questions, condition, organism.trigger.framings[condition])


def _place(found: Steering) -> dict[str, Any]:
    """The columns of a row, with the site of the vector for the header."""
    return site(found.directions["header"])


def _save(found: Steering, folder: Path) -> None:
    for part, direction in found.directions.items():
        direction.save(folder / f"{direction.name}.{part}")
    norms = {
        part: {"norm": norm, "median_residual_norms": norm / found.directions[part].scale}
        for part, norm in found.norms.items()
    }
    name = found.directions["header"].name
    write_json(folder / f"{name}.training.json", {"parts": norms, "losses": found.losses})
