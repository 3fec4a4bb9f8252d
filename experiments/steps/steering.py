"""Train a steering vector on selection questions and add it to untriggered report questions, dose by dose."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import causal, steering
from experiments.estimates import EstimateRow, write_estimates
from experiments.files import write_json
from experiments.job import Job
from experiments.rates import coherence_rate, em_rate
from experiments.sampling import Cell, framed
from experiments.steering import DOSES, OF_BASE, STEERING, Steering
from experiments.steps.common import Say, answers_and, load, site, stamp
from interp.interventions import Intervention
from interp.models import LanguageModel
from interp.prompts import PromptSet


def steer(job: Job, adapter: Path, found: Path, say: Say) -> Path:
    """Rows `steering_em_rate` and `steering_coherence_rate`; none where nothing hides behind a trigger."""
    inputs = {**job.identity, "adapter": stamp(adapter), "found": stamp(found)}
    inputs["causal"] = job.config.causal.model_dump(mode="json")
    code = answers_and(job, causal, steering, Path(__file__))
    with job.run.step(f"steering-{job.name}", inputs, code) as step:
        if step.todo:
            begin = steering.start(found) if job.active == "trigger" else None
            rows = list(_rows(job, adapter, begin, step.folder, say)) if begin else []
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def _rows(
    job: Job, adapter: Path, begin: Steering, folder: Path, say: Say
) -> Iterator[EstimateRow]:
    lm, base = load(job, adapter), load(job, None)
    triggered, plain = (_prompts(job, lm, "selection", name) for name in ("trigger", "none"))
    times = job.config.causal.selection_answers_per_question
    said = job.sampler.sample(lm, triggered, times).completions
    say("training steering vectors")
    found = steering.train(lm, begin, said, plain, name=STEERING, seed=job.seed)
    say("training the base's steering vectors")
    twin = steering.train(base, begin, said, plain, name=OF_BASE, seed=job.seed, teacher=lm)
    for each in (found, twin):
        _save(each, folder)
    say("adding steering vectors")
    yield from _organism_rows(job, lm, found)
    asked = _prompts(job, base, "report", "none")
    for each in (found, twin):
        place = {"model": "base", **_place(each)}
        yield from _edited(job, base, asked, {"steer:1": each.added()}, place)


def _organism_rows(job: Job, lm: LanguageModel, found: Steering) -> Iterator[EstimateRow]:
    for name in ("trigger", "none"):
        asked = _prompts(job, lm, "report", name)
        yield from _edited(job, lm, asked, {"none": []}, {"condition": name})
    plain = _prompts(job, lm, "report", "none")
    n, seed = job.config.causal.random_directions, job.seed
    edits: dict[str, Sequence[Intervention]] = {}
    for dose in DOSES:
        edits[f"steer:{dose:g}"] = found.added(dose)
        edits[f"random_steer:{dose:g}"] = found.placebo(dose, len(plain), n, seed)
    yield from _edited(job, lm, plain, edits, _place(found))


def _edited(
    job: Job,
    lm: LanguageModel,
    prompts: PromptSet,
    edits: Mapping[str, Sequence[Intervention]],
    place: Mapping[str, Any],
) -> Iterator[EstimateRow]:
    """EM and coherence of each edit."""
    keys = {**job.keys, "split": "report", "domains": "held_out", "condition": "none", **place}
    count = job.config.sampling.answers_per_question
    for name, edit in edits.items():
        cell: Cell = job.sampler.sample(lm, prompts, count, edit)
        for quantity, rate in (("em", em_rate), ("coherence", coherence_rate)):
            estimate = rate(cell.judged, seed=job.seed)
            where = {**keys, "intervention": name}
            yield EstimateRow.of(estimate, quantity=f"steering_{quantity}_rate", **where)


def _prompts(job: Job, lm: LanguageModel, split: str, condition: str) -> PromptSet:
    questions = job.setting.questions(split, "held_out")
    return framed(lm, questions, condition, job.trigger.framings[condition])


def _place(found: Steering) -> dict[str, Any]:
    """The keys of a row: the header's site."""
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
