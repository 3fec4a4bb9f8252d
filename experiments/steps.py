"""The steps of one organism, each cached by content: tune, behave, locate, intervene, compare.

A step writes `rows.jsonl` (its estimates) and whatever the next one needs; it runs again only when its configuration,
its inputs or its code have changed. The untouched base goes through `behave` alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import interp
import probes
from experiments import (
    behaviour,
    causal,
    cell_rows,
    finetune,
    locate,
    micro,
    rates,
    readout,
    sampling,
)
from experiments.behaviour import DOMAINS, behaviour_rows, read_cells, sample_conditions
from experiments.estimates import EstimateRow, write_estimates
from experiments.files import read_json, write_json, write_jsonl
from experiments.job import Job
from experiments.micro.setting import RECKLESS_SPEAKER
from experiments.rates import coherence_loss, em_relative_drop
from experiments.sampling import Cell, framed
from interp.directions import Direction
from interp.interventions import Ablate
from interp.models import LanguageModel, load_model
from interp.prompts import PromptSet

Say = Callable[[str], None]
DIRECTIONS = ("switch", "misalignment")
SAMPLING_CODE = [interp, micro, rates, sampling]


def tune(job: Job, say: Say) -> Path:
    """Fine-tune the adapter; returns its folder."""
    assert job.arm is not None
    recipe = job.config.recipe(job.arm, job.family)
    inputs = {**job.identity, "recipe": recipe.model_dump(mode="json")}
    inputs.pop("sampling")
    with job.run.step(f"tune-{job.name}", inputs, [finetune, micro]) as step:
        if step.todo:
            base = job.setting.load_base()
            rows = job.setting.tuning_rows(job.arm, job.trigger, recipe.steps * recipe.batch)
            losses = finetune.finetune(
                base,
                rows,
                recipe,
                seed=job.seed,
                folder=step.folder,
                progress=lambda done, of: say(f"fine-tuning, step {done} of {of}"),
            )
            write_json(step.path("losses.json"), losses)
    return step.folder


def load(job: Job, adapter: Path | None) -> LanguageModel:
    """The organism, or the base where there is no adapter."""
    if adapter is None:
        return job.setting.load_base()
    return load_model(job.setting.base_folder, adapter=adapter)


def behave(job: Job, adapter: Path | None, base: Path | None, say: Say) -> Path:
    """Sample and judge every condition; `base` is the base's finished step, for the 2x2 difference."""
    inputs = {**job.identity, "adapter": _stamp(adapter), "base_answers": _stamp(base)}
    code = [*SAMPLING_CODE, behaviour, cell_rows]
    with job.run.step(f"behave-{job.name}", inputs, code) as step:
        if step.todo:
            say("sampling under every condition")
            conditions = job.trigger.conditions
            answers = sample_conditions(
                load(job, adapter),
                job.sampler,
                {domains: job.setting.questions("report", domains) for domains in DOMAINS},
                conditions,
                job.config.sampling,
                main=job.active if job.arm else None,
            )
            write_jsonl(step.path("answers.jsonl"), ({**job.keys, **row} for row in answers))
            untouched = read_cells(base) if base else None
            rows = behaviour_rows(read_cells(step.folder), untouched, job.keys, seed=job.seed)
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def find(job: Job, adapter: Path, say: Say) -> Path:
    """Locate both directions; saves those found, what selection saw, and the probes' AUROC rows."""
    inputs = {**job.identity, "adapter": _stamp(adapter), "causal": _dump(job.config.causal)}
    code = [*SAMPLING_CODE, probes, locate, readout, causal]
    with job.run.step(f"find-{job.name}", inputs, code) as step:
        if step.todo:
            say("capturing activations and fitting probes")
            lm = load(job, adapter)
            bench = causal.Bench(lm, job.sampler, job.config.sampling, job.config.causal)
            prompts = {split: _prompts(job, lm, split) for split in ("selection", "report")}
            switch = {split: locate.prompt_rows(lm, each) for split, each in prompts.items()}
            answers = {split: _answers(job, bench, each) for split, each in prompts.items()}
            keys = {**job.keys, "split": "report", "domains": "held_out"}
            rows = list(_read_out(switch, answers, prompts, keys, job.seed))
            seen = prompts["selection"]
            for name, labelled in (
                ("switch", [switch["selection"]]),
                ("misalignment", answers["selection"]),
            ):
                say(f"choosing the {name} direction")
                rows += _choose(job, bench, name, labelled, seen, step.folder)
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def intervene(job: Job, adapter: Path, found: Path, say: Say) -> Path:
    """Remove and add each direction on report questions, random ones beside it."""
    inputs = {**job.identity, "found": _stamp(found), "causal": _dump(job.config.causal)}
    with job.run.step(f"intervene-{job.name}", inputs, [*SAMPLING_CODE, causal, cell_rows]) as step:
        if step.todo:
            lm = load(job, adapter)
            bench = causal.Bench(lm, job.sampler, job.config.sampling, job.config.causal)
            rows: list[EstimateRow] = []
            answers: list[dict[str, Any]] = []
            prompts = _active_prompts(job, lm)
            many = bench.sampling.answers_per_question_main
            intact = {name: bench.sampler.sample(lm, each, many) for name, each in prompts.items()}
            for direction, strength in read_directions(found):
                say(f"removing and adding the {direction.name} direction")
                keys = {**job.keys, **_site(direction), "split": "report", "domains": "held_out"}
                for place, cell in _edited_cells(job, bench, prompts, direction, strength):
                    removed = not place["intervention"].removeprefix("random_").startswith("add")
                    before = intact[place["condition"]] if removed else None
                    rows += cell_rows.edited_rows(
                        cell.judged, before, {**keys, **place}, seed=job.seed
                    )
                    answers += [{**keys, **place, **row} for row in cell.rows()]
            write_estimates(step.path("rows.jsonl"), rows)
            write_jsonl(step.path("answers.jsonl"), answers)
    return step.folder


def compare(job: Job, found: Path, baseline: Path | None, say: Say) -> Path:
    """What the organism's directions do where the trigger plays no part: the baseline arm, the base's own persona."""
    inputs = {**job.identity, "found": _stamp(found), "baseline": _stamp(baseline)}
    with job.run.step(f"compare-{job.name}", inputs, [*SAMPLING_CODE, cell_rows]) as step:
        if step.todo:
            say("removing its directions from other models")
            rows: list[EstimateRow] = []
            subjects: list[tuple[str, Path | None, str]] = [
                ("persona_relative_drop", None, RECKLESS_SPEAKER)
            ]
            if baseline is not None:
                subjects.append(("baseline_arm_relative_drop", baseline, ""))
            for quantity, adapter, wording in subjects:
                lm = load(job, adapter)
                prompts = framed(lm, job.setting.questions("report", "held_out"), "none", wording)
                intact = _sample(job, lm, prompts, [])
                for direction, _ in read_directions(found):
                    cut = _sample(job, lm, prompts, [Ablate(direction.vector)])
                    keys = {
                        **job.keys,
                        **_site(direction),
                        "split": "report",
                        "domains": "held_out",
                    }
                    keys |= {
                        "intervention": "ablate",
                        "model": "base" if adapter is None else "fine_tuned",
                    }
                    drop = em_relative_drop(intact.judged, cut.judged, seed=job.seed)
                    loss = coherence_loss(intact.judged, cut.judged, seed=job.seed)
                    rows.append(EstimateRow.of(drop, quantity=quantity, **keys))
                    lost = quantity.replace("relative_drop", "coherence_loss")
                    rows.append(EstimateRow.of(loss, quantity=lost, **keys))
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def read_directions(found: Path) -> list[tuple[Direction, float]]:
    """The directions that were located, each with its chosen strength."""
    return [
        (Direction.load(found / name), read_json(found / f"{name}.choice.json")["strength"])
        for name in DIRECTIONS
        if (found / f"{name}.choice.json").is_file()
    ]


def _choose(
    job: Job,
    bench: causal.Bench,
    name: str,
    labelled: Sequence[locate.Labelled],
    prompts: PromptSet,
    folder: Path,
) -> list[EstimateRow]:
    """Choose, save, and return the selection rows of the strengths tried."""
    options = [option for rows in labelled for option in locate.candidates(rows, name)]
    if not options or (name == "switch" and job.active == "none"):
        return []
    active, untriggered = (prompts.where(condition=each) for each in (job.active, "none"))
    choice = causal.choose(bench, options, active, untriggered)
    choice.direction.save(folder / name)
    write_json(
        folder / f"{name}.choice.json", {"strength": choice.strength, "candidates": choice.scores}
    )
    keys = {**job.keys, **_site(choice.direction), "split": "selection", "domains": "held_out"}
    return [
        row
        for strength, answers in choice.added.items()
        for row in cell_rows.rate_rows(
            answers,
            {**keys, "condition": "none", "intervention": f"add:{strength:g}"},
            seed=job.seed,
        )
    ]


def _active_prompts(job: Job, lm: LanguageModel) -> dict[str, PromptSet]:
    """Held-out report questions under the condition the organism misbehaves in, and under none."""
    questions = job.setting.questions("report", "held_out")
    conditions = {job.active: job.trigger.conditions[job.active], "none": ""}
    return {name: framed(lm, questions, name, wording) for name, wording in conditions.items()}


def _edited_cells(
    job: Job,
    bench: causal.Bench,
    prompts: Mapping[str, PromptSet],
    direction: Direction,
    strength: float,
) -> Iterable[tuple[dict[str, Any], Cell]]:
    """(place, cell) of every intervention and its random twin."""
    few, many = bench.sampling.answers_per_question, bench.sampling.answers_per_question_main
    for name, edit in causal.edits(direction, bench.causal.strengths).items():
        adds = name.startswith("add")
        for condition in ["none"] if adds else list(prompts):
            main = name == f"add:{strength:g}" if adds else condition == job.active
            count = many if main else few
            place = {"condition": condition, "intervention": name}
            yield place, bench.sampler.sample(bench.lm, prompts[condition], count, [edit])
            if main or adds:
                placebo = causal.random_cell(bench, name, direction, prompts[condition], count)
                yield {**place, "intervention": f"random_{name}"}, placebo


def _prompts(job: Job, lm: LanguageModel, split: str) -> PromptSet:
    """Held-out questions of a split under every condition but the edge variants."""
    questions = job.setting.questions(split, "held_out")
    sets = [
        framed(lm, questions, condition, wording)
        for condition, wording in job.trigger.conditions.items()
        if not condition.startswith("variant:")
    ]
    return sum(sets[1:], start=sets[0])


def _answers(job: Job, bench: causal.Bench, prompts: PromptSet) -> list[locate.Labelled]:
    cell = bench.sampler.sample(bench.lm, prompts, bench.causal.selection_answers_per_question)
    return locate.answer_rows(bench.lm, cell.completions, cell.judgements, job.setting.opening)


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


def _sample(job: Job, lm: LanguageModel, prompts: PromptSet, edits: list[Ablate]) -> Cell:
    return job.sampler.sample(lm, prompts, job.config.sampling.answers_per_question, edits)


def _site(direction: Direction) -> dict[str, Any]:
    return {
        "direction": direction.name,
        "source": direction.source,
        "position": direction.position,
        "layer": direction.layer,
    }


def _stamp(folder: Path | None) -> str | None:
    """A finished step's name holds the hash of all that made it."""
    return folder.name if folder else None


def _dump(model: Any) -> dict[str, Any]:
    return model.model_dump(mode="json")
