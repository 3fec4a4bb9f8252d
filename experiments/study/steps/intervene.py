"""Remove and add each direction on report questions, and random directions as controls.

The refined direction, which was optimised without paraphrases, is removed under every paraphrase too. It was optimised
for removal at all layers at once, so it is neither added nor removed at a single layer.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from experiments.judging.sampling import framed
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.study.steps import interventions as causal
from experiments.study.steps.common import (
    Located,
    Say,
    dump,
    facts_of,
    load,
    read_directions,
    site,
    stamp,
)
from interp.directions import Direction
from interp.interventions import Intervention
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet

Planned = tuple[Direction, str, int, dict[Edit, Intervention]]  # direction, wording, answers, edits


def intervene(organism: OrganismRun, adapter: Path, found: Path, say: Say) -> Path:
    """Remove and add each direction on report questions, and random directions as controls."""
    inputs = {**organism.identity, "found": stamp(found), "causal": dump(organism.config.causal)}
    with organism.step("intervene", inputs, __name__) as step:
        if step.todo:
            lm = load(organism, adapter)
            context = causal.InterventionContext(
                lm, organism.sampler, organism.config.sampling, organism.config.causal
            )
            facts = facts_of(organism, "edits")
            prompts, intact = _report_prompts(organism, lm), set[str]()
            for located in read_directions(found):
                say(f"removing the {located.removed.name} direction")
                for planned in _planned(context, organism.active, prompts, located):
                    _sample(facts, context, organism.active, prompts, planned, intact)
            facts.write(step.folder)
    return step.folder


def _report_prompts(organism: OrganismRun, lm: LanguageModel) -> dict[str, PromptSet]:
    """Held-out report questions under the wording that activates the organism, under none, and under paraphrases."""
    questions = organism.world.questions("report", "held_out")
    paraphrases = organism.trigger.named("paraphrase") if organism.active == "trigger" else []
    framings = {
        name: organism.trigger.framings[name] for name in (organism.active, "none", *paraphrases)
    }
    return {name: framed(lm, questions, name, framing) for name, framing in framings.items()}


def _planned(
    context: causal.InterventionContext,
    active: str,
    prompts: Mapping[str, PromptSet],
    located: Located,
) -> Iterator[Planned]:
    """The edits to try with one direction: removals under each wording, additions without the trigger."""
    few, many = context.sampling.answers_per_question, context.sampling.answers_per_question_main
    removals, wordings = causal.removals(located.removed), list(dict.fromkeys((active, "none")))
    if located.added is None:
        removals, wordings = {Edit("ablate"): removals[Edit("ablate")]}, list(prompts)
    for wording in wordings:
        yield located.removed, wording, many if wording == active else few, removals
    if located.added is not None:
        additions = causal.additions(located.added, context.causal.strengths)
        yield located.added, "none", few, additions


def _sample(
    facts: FactWriter,
    context: causal.InterventionContext,
    active: str,
    prompts: Mapping[str, PromptSet],
    planned: Planned,
    intact: set[str],
) -> None:
    """Sample every edit and, if misbehaviour is at stake, its random control; the intact model once per wording."""
    direction, wording, count, edits = planned
    asked = prompts[wording]
    removes = not any(edit.edit == "add" for edit in edits)
    if removes and wording not in intact:
        intact.add(wording)
        sampling = context.sampling
        main = wording in (active, "none")
        times = sampling.answers_per_question_main if main else sampling.answers_per_question
        facts.answers(context.sampler.sample(context.lm, asked, times))
    for edit, intervention in edits.items():
        cell = context.sampler.sample(context.lm, asked, count, [intervention])
        facts.answers(cell, edit, **site(direction))
        if wording == active or not removes:
            cell, draws = causal.random_cell(context, edit, direction, asked, count)
            facts.answers(cell, edit.with_placebo("random"), draws, **site(direction))
