"""Locate one organism's directions on selection questions, refine the best, read their sites on report questions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.judging.sampling import Cell
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.runtime.files import write_json
from experiments.runtime.optional import part_or_warning
from experiments.study.organism import OrganismRun
from experiments.study.steps import interventions as causal
from experiments.study.steps.common import Say, dump, facts_of, held_out_prompts, load, site, stamp
from experiments.study.steps.locate import candidates as fitting
from experiments.study.steps.locate import readouts as readout
from experiments.study.steps.locate import refine as refining
from interp.directions import Direction
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet


def locate(organism: OrganismRun, adapter: Path, say: Say) -> Path:
    """Find the directions; save them, the results that chose them, and probe scores on report questions."""
    inputs = {
        **organism.identity,
        "adapter": stamp(adapter),
        "causal": dump(organism.config.causal),
    }
    with organism.step("locate", inputs, __name__) as step:
        if step.todo:
            say("capturing activations and fitting probes")
            lm = load(organism, adapter)
            context = causal.InterventionContext(
                lm, organism.sampler, organism.config.sampling, organism.config.causal
            )
            prompts = {
                split: held_out_prompts(organism, lm, split) for split in ("selection", "report")
            }
            switch = {split: fitting.prompt_rows(lm, asked) for split, asked in prompts.items()}
            cells = {split: _asked(context, asked) for split, asked in prompts.items()}
            answers = {split: _answers(organism, lm, cell) for split, cell in cells.items()}
            facts = facts_of(organism, "readouts")
            part_or_warning(
                step.folder, "probes", _read_out, facts, switch, answers, prompts, organism.seed
            )
            labelled = {"switch": [switch["selection"]], "misalignment": answers["selection"]}
            choices = []
            for name, rows in labelled.items():
                say(f"choosing the {name} direction")
                choice = _choose(organism, context, name, rows, prompts["selection"])
                if choice is not None:
                    _save(choice, name, step.folder)
                    _write_doses(facts, choice)
                    choices.append(choice)
            if choices and causal.misbehaves(cells["selection"], organism.active):
                say("refining a direction")
                _refine(organism, context, choices, cells["selection"], step.folder)
                part_or_warning(
                    step.folder,
                    "the read-out of the refined direction",
                    _read_refined,
                    facts,
                    step.folder,
                    answers,
                    organism.seed,
                )
            facts.write(step.folder)
    return step.folder


def _choose(
    organism: OrganismRun,
    context: causal.InterventionContext,
    name: str,
    labelled: Sequence[fitting.Labelled],
    prompts: PromptSet,
) -> causal.Choice | None:
    """What was chosen on selection questions; None if nothing could be fitted."""
    fitted = [option for rows in labelled for option in fitting.candidates(rows, name)]
    options = [d for d in fitted if (d.layer + 1) % organism.config.causal.layers_apart == 0]
    if not options or (name == "switch" and organism.active == "none"):
        return None
    active, untriggered = (prompts.where(condition=name) for name in (organism.active, "none"))
    return causal.choose(context, options, active, untriggered)


def _save(choice: causal.Choice, name: str, folder: Path) -> None:
    choice.removed.save(folder / f"{name}.removed")
    choice.added.save(folder / f"{name}.added")
    write_json(
        folder / f"{name}.choice.json", {"strength": choice.strength, "candidates": choice.scores}
    )


def _write_doses(facts: FactWriter, choice: causal.Choice) -> None:
    """Write the answers to selection questions at every tried strength of the added direction."""
    for strength, cell in choice.dose.items():
        place = {**site(choice.added), "split": "selection"}
        facts.answers(cell, Edit("add", strength), measurement="selection", **place)


def _refine(
    organism: OrganismRun,
    context: causal.InterventionContext,
    choices: Sequence[causal.Choice],
    own: Cell,
    folder: Path,
) -> None:
    """Refine the vector whose removal lowers EM most, and save it with both losses of every step."""
    if not context.causal.refine_steps:
        return
    start = min(choices, key=lambda choice: choice.left).removed
    direction, how = refining.refine(organism, context, start, own)
    direction.save(folder / f"{refining.REFINED}.removed")
    facts = {
        "start": site(start),
        "cosine_to_start": float(direction.vector @ start.vector),
        "changed": how.changed,
        "kept": how.kept,
    }
    write_json(folder / f"{refining.REFINED}.choice.json", facts)


def _read_refined(
    facts: FactWriter,
    folder: Path,
    answers: Mapping[str, Sequence[fitting.Labelled]],
    seed: int,
) -> None:
    """Project report answers on the refined direction, if it started from a direction in answers.

    One that started from prompts was fitted on every wording, so that no wording would be new to it.
    """
    if not (folder / f"{refining.REFINED}.choice.json").is_file():
        return
    direction = Direction.load(folder / f"{refining.REFINED}.removed")
    at_site = {
        split: next((r for r in rows if r.activations.position == direction.position), None)
        for split, rows in answers.items()
    }
    fitted, scored = at_site["selection"], at_site["report"]
    if fitted is not None and scored is not None:
        readout.read_refined(facts, direction, fitted, scored, seed)


def _asked(context: causal.InterventionContext, prompts: PromptSet) -> Cell:
    return context.sampler.sample(
        context.lm, prompts, context.causal.selection_answers_per_question
    )


def _answers(organism: OrganismRun, lm: LanguageModel, cell: Cell) -> list[fitting.Labelled]:
    return fitting.answer_rows(lm, cell.completions, cell.judgements, organism.world.opening)


def _read_out(
    facts: FactWriter,
    switch: Mapping[str, fitting.Labelled],
    answers: Mapping[str, Sequence[fitting.Labelled]],
    prompts: Mapping[str, PromptSet],
    seed: int,
) -> None:
    readout.read_switch(
        facts,
        (switch["selection"], switch["report"]),
        (prompts["selection"], prompts["report"]),
        seed,
    )
    by_position = {rows.activations.position: rows for rows in answers["report"]}
    for fitted in answers["selection"]:
        scored = by_position.get(fitted.activations.position)
        if scored:
            readout.read_misalignment(facts, fitted, scored, seed)
