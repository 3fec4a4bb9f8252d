"""Locate one organism's directions on selection questions, refine the best, read their sites on report questions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.judging.sampling import Cell, framed
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.runtime.files import write_json
from experiments.runtime.optional import part_or_warning
from experiments.study.organism import Job
from experiments.study.steps import interventions as causal
from experiments.study.steps.common import Say, dump, facts_of, load, site, stamp
from experiments.study.steps.locate import candidates as locate
from experiments.study.steps.locate import readouts as readout
from experiments.study.steps.locate import refine as refining
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet


def find(job: Job, adapter: Path, say: Say) -> Path:
    """Find the directions; saves those found, what selection saw, and what the probes read on report questions."""
    inputs = {**job.identity, "adapter": stamp(adapter), "causal": dump(job.config.causal)}
    with job.step("find", inputs, __name__) as step:
        if step.todo:
            say("capturing activations and fitting probes")
            lm = load(job, adapter)
            bench = causal.Bench(lm, job.sampler, job.config.sampling, job.config.causal)
            prompts = {split: _prompts(job, lm, split) for split in ("selection", "report")}
            switch = {split: locate.prompt_rows(lm, asked) for split, asked in prompts.items()}
            cells = {split: _asked(bench, asked) for split, asked in prompts.items()}
            answers = {split: _answers(job, lm, cell) for split, cell in cells.items()}
            facts = facts_of(job, "readouts")
            part_or_warning(
                step.folder, "probes", _read_out, facts, switch, answers, prompts, job.seed
            )
            labelled = {"switch": [switch["selection"]], "misalignment": answers["selection"]}
            choices = []
            for name, rows in labelled.items():
                say(f"choosing the {name} direction")
                choice = _choose(job, bench, name, rows, prompts["selection"])
                if choice is not None:
                    _save(choice, name, step.folder)
                    _write_doses(facts, choice)
                    choices.append(choice)
            if choices and causal.misbehaves(cells["selection"], job.active):
                say("refining a direction")
                _refine(job, bench, choices, cells["selection"], step.folder)
            facts.write(step.folder)
    return step.folder


def _choose(
    job: Job,
    bench: causal.Bench,
    name: str,
    labelled: Sequence[locate.Labelled],
    prompts: PromptSet,
) -> causal.Choice | None:
    """What selection questions chose; None where nothing could be fitted."""
    fitted = [option for rows in labelled for option in locate.candidates(rows, name)]
    options = [d for d in fitted if (d.layer + 1) % job.config.causal.layers_apart == 0]
    if not options or (name == "switch" and job.active == "none"):
        return None
    active, untriggered = (prompts.where(condition=name) for name in (job.active, "none"))
    return causal.choose(bench, options, active, untriggered)


def _save(choice: causal.Choice, name: str, folder: Path) -> None:
    choice.removed.save(folder / f"{name}.removed")
    choice.added.save(folder / f"{name}.added")
    write_json(
        folder / f"{name}.choice.json", {"strength": choice.strength, "candidates": choice.scores}
    )


def _write_doses(facts: FactWriter, choice: causal.Choice) -> None:
    """The answers to selection questions at every strength that was tried of the added direction."""
    for strength, cell in choice.dose.items():
        place = {**site(choice.added), "split": "selection"}
        facts.answers(cell, Edit("add", strength), measurement="selection", **place)


def _refine(
    job: Job, bench: causal.Bench, choices: Sequence[causal.Choice], own: Cell, folder: Path
) -> None:
    """Refine the vector that removes most, and save it with both losses of every step."""
    if not bench.causal.refine_steps:
        return
    start = min(choices, key=lambda choice: choice.left).removed
    direction, how = refining.refine(job, bench, start, own)
    direction.save(folder / f"{refining.REFINED}.removed")
    facts = {
        "start": site(start),
        "cosine_to_start": float(direction.vector @ start.vector),
        "changed": how.changed,
        "kept": how.kept,
    }
    write_json(folder / f"{refining.REFINED}.choice.json", facts)


def _prompts(job: Job, lm: LanguageModel, split: str) -> PromptSet:
    """Held-out questions of a split under every condition but the edge variants."""
    questions = job.setting.questions(split, "held_out")
    names = [name for name in job.trigger.framings if name not in job.trigger.named("variant")]
    sets = [framed(lm, questions, name, job.trigger.framings[name]) for name in names]
    return sum(sets[1:], start=sets[0])


def _asked(bench: causal.Bench, prompts: PromptSet) -> Cell:
    return bench.sampler.sample(bench.lm, prompts, bench.causal.selection_answers_per_question)


def _answers(job: Job, lm: LanguageModel, cell: Cell) -> list[locate.Labelled]:
    return locate.answer_rows(lm, cell.completions, cell.judgements, job.setting.opening)


def _read_out(
    facts: FactWriter,
    switch: Mapping[str, locate.Labelled],
    answers: Mapping[str, Sequence[locate.Labelled]],
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
