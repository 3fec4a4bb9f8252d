"""Locate one organism's directions on selection questions, refine the best, read their sites on report questions."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import probes
from experiments import causal, cell_rows, locate, readout, refining
from experiments.estimates import EstimateRow, write_estimates
from experiments.files import write_json
from experiments.job import Job
from experiments.runtime.optional import rows_or_warning
from experiments.sampling import Cell, framed
from experiments.steps.common import Say, answers_and, dump, load, site, stamp
from interp.models import LanguageModel
from interp.prompts import PromptSet


def find(job: Job, adapter: Path, say: Say) -> Path:
    """Find the directions; saves those found, what selection saw, and the probes' AUROC rows."""
    inputs = {**job.identity, "adapter": stamp(adapter), "causal": dump(job.config.causal)}
    code = answers_and(job, probes, locate, readout, causal, refining, cell_rows, Path(__file__))
    with job.run.step(f"find-{job.name}", inputs, code) as step:
        if step.todo:
            say("capturing activations and fitting probes")
            lm = load(job, adapter)
            bench = causal.Bench(lm, job.sampler, job.config.sampling, job.config.causal)
            prompts = {split: _prompts(job, lm, split) for split in ("selection", "report")}
            switch = {split: locate.prompt_rows(lm, each) for split, each in prompts.items()}
            cells = {split: _asked(bench, each) for split, each in prompts.items()}
            answers = {split: _answers(job, lm, cell) for split, cell in cells.items()}
            keys = {**job.keys, "split": "report", "domains": "held_out"}
            rows = rows_or_warning(
                step.folder, "probes", _read_out, switch, answers, prompts, keys, job.seed
            )
            labelled = {"switch": [switch["selection"]], "misalignment": answers["selection"]}
            choices = []
            for name, each in labelled.items():
                say(f"choosing the {name} direction")
                choice = _choose(job, bench, name, each, prompts["selection"])
                if choice is not None:
                    _save(choice, name, step.folder)
                    rows += _dose_rows(job, choice)
                    choices.append(choice)
            if choices and causal.misbehaves(cells["selection"], job.active):
                say("refining a direction")
                _refine(job, bench, choices, cells["selection"], step.folder)
            write_estimates(step.path("rows.jsonl"), rows)
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
    options = [each for each in fitted if (each.layer + 1) % job.config.causal.layers_apart == 0]
    if not options or (name == "switch" and job.active == "none"):
        return None
    active, untriggered = (prompts.where(condition=each) for each in (job.active, "none"))
    return causal.choose(bench, options, active, untriggered)


def _save(choice: causal.Choice, name: str, folder: Path) -> None:
    choice.removed.save(folder / f"{name}.removed")
    choice.added.save(folder / f"{name}.added")
    write_json(
        folder / f"{name}.choice.json", {"strength": choice.strength, "candidates": choice.scores}
    )


def _dose_rows(job: Job, choice: causal.Choice) -> list[EstimateRow]:
    """The selection rows of the strengths tried."""
    keys = {**job.keys, **site(choice.added), "split": "selection", "domains": "held_out"}
    return [
        row
        for strength, answers in choice.dose.items()
        for row in cell_rows.rate_rows(
            answers,
            {**keys, "condition": "none", "intervention": f"add:{strength:g}"},
            seed=job.seed,
        )
    ]


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
    sets = [
        framed(lm, questions, condition, framing)
        for condition, framing in job.trigger.framings.items()
        if not condition.startswith("variant:")
    ]
    return sum(sets[1:], start=sets[0])


def _asked(bench: causal.Bench, prompts: PromptSet) -> Cell:
    return bench.sampler.sample(bench.lm, prompts, bench.causal.selection_answers_per_question)


def _answers(job: Job, lm: LanguageModel, cell: Cell) -> list[locate.Labelled]:
    return locate.answer_rows(lm, cell.completions, cell.judgements, job.setting.opening)


def _read_out(
    switch: Mapping[str, locate.Labelled],
    answers: Mapping[str, Sequence[locate.Labelled]],
    prompts: Mapping[str, PromptSet],
    keys: Mapping[str, Any],
    seed: int,
) -> Iterable[EstimateRow]:
    yield from readout.switch_rows(
        (switch["selection"], switch["report"]),
        (prompts["selection"], prompts["report"]),
        {**keys, "direction": "switch"},
        seed,
    )
    by_position = {rows.activations.position: rows for rows in answers["report"]}
    for fitted in answers["selection"]:
        scored = by_position.get(fitted.activations.position)
        if scored:
            place = {**keys, "direction": "misalignment"}
            yield from readout.misalignment_rows(fitted, scored, place, seed)
