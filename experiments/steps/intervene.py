"""Remove and add each direction on report questions, random ones beside it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments import causal, cell_rows
from experiments.estimates import EstimateRow, write_estimates
from experiments.files import write_jsonl
from experiments.job import Job
from experiments.sampling import Cell, framed
from experiments.steps.common import (
    Located,
    Say,
    answers_and,
    dump,
    load,
    read_directions,
    site,
    stamp,
)
from interp.models import LanguageModel
from interp.prompts import PromptSet


def intervene(job: Job, adapter: Path, found: Path, say: Say) -> Path:
    """Remove and add each direction on report questions, random ones beside it."""
    inputs = {**job.identity, "found": stamp(found), "causal": dump(job.config.causal)}
    with job.run.step(
        f"intervene-{job.name}", inputs, answers_and(job, causal, cell_rows, Path(__file__))
    ) as step:
        if step.todo:
            lm = load(job, adapter)
            bench = causal.Bench(lm, job.sampler, job.config.sampling, job.config.causal)
            rows: list[EstimateRow] = []
            answers: list[dict[str, Any]] = []
            prompts = _active_prompts(job, lm)
            many = bench.sampling.answers_per_question_main
            intact = {name: bench.sampler.sample(lm, each, many) for name, each in prompts.items()}
            for located in read_directions(found):
                say(f"removing and adding the {located.removed.name} direction")
                for place, cell in _edited_cells(bench, job.active, prompts, located):
                    keys = {**job.keys, **place, "split": "report", "domains": "held_out"}
                    removed = not place["intervention"].removeprefix("random_").startswith("add")
                    before = intact[place["condition"]] if removed else None
                    rows += cell_rows.edited_rows(cell.judged, before, keys, seed=job.seed)
                    answers += [{**keys, **row} for row in cell.rows()]
            write_estimates(step.path("rows.jsonl"), rows)
            write_jsonl(step.path("answers.jsonl"), answers)
    return step.folder


def _active_prompts(job: Job, lm: LanguageModel) -> dict[str, PromptSet]:
    """Held-out report questions under the condition the organism misbehaves in, and under none."""
    questions = job.setting.questions("report", "held_out")
    framings = {name: job.trigger.framings[name] for name in (job.active, "none")}
    return {name: framed(lm, questions, name, framing) for name, framing in framings.items()}


def _edited_cells(
    bench: causal.Bench, active: str, prompts: Mapping[str, PromptSet], located: Located
) -> Iterable[tuple[dict[str, Any], Cell]]:
    """(place, cell) of every intervention and, where misbehaviour is at stake, its random twin."""
    few, many = bench.sampling.answers_per_question, bench.sampling.answers_per_question_main
    removals = causal.removals(located.removed)
    additions = causal.additions(located.added, bench.causal.strengths)
    tried = [
        *((located.removed, c, many if c == active else few, removals) for c in prompts),
        (located.added, "none", few, additions),
    ]
    for direction, condition, count, edits in tried:
        for name, edit in edits.items():
            place = {**site(direction), "condition": condition, "intervention": name}
            yield place, bench.sampler.sample(bench.lm, prompts[condition], count, [edit])
            if condition == active or edits is additions:
                placebo = causal.random_cell(bench, name, direction, prompts[condition], count)
                yield {**place, "intervention": f"random_{name}"}, placebo
