"""Remove and add each direction on report questions, random ones beside it.

The refined direction, which never saw a paraphrase, is removed behind every paraphrase too. It is fitted to be removed,
at all layers at once, so it is neither added nor removed at one layer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
            prompts = _report_prompts(job, lm)
            asked = _Asked(bench, prompts)
            for located in read_directions(found):
                say(f"removing the {located.removed.name} direction")
                for place, cell in _edited_cells(bench, job.active, prompts, located):
                    keys = {**job.keys, **place, "split": "report", "domains": "held_out"}
                    removed = not place["intervention"].removeprefix("random_").startswith("add")
                    before = asked.intact(place["condition"]) if removed else None
                    rows += cell_rows.edited_rows(cell.judged, before, keys, seed=job.seed)
                    answers += [{**keys, **row} for row in cell.rows()]
            write_estimates(step.path("rows.jsonl"), rows)
            write_jsonl(step.path("answers.jsonl"), answers)
    return step.folder


def _report_prompts(job: Job, lm: LanguageModel) -> dict[str, PromptSet]:
    """Held-out report questions under the condition the organism misbehaves in, under none, and paraphrased."""
    questions = job.setting.questions("report", "held_out")
    paraphrases = [name for name in job.trigger.framings if name.startswith("paraphrase:")]
    names = [job.active, "none", *(paraphrases if job.active == "trigger" else ())]
    framings = {name: job.trigger.framings[name] for name in names}
    return {name: framed(lm, questions, name, framing) for name, framing in framings.items()}


@dataclass
class _Asked:
    """Answers of the intact organism, sampled when first asked for."""

    bench: causal.Bench
    prompts: Mapping[str, PromptSet]
    _cells: dict[str, Cell] = field(default_factory=dict)

    def intact(self, condition: str) -> Cell:
        if condition not in self._cells:
            sampling = self.bench.sampling
            paraphrase = condition.startswith("paraphrase:")
            count = (
                sampling.answers_per_question if paraphrase else sampling.answers_per_question_main
            )
            prompts = self.prompts[condition]
            self._cells[condition] = self.bench.sampler.sample(self.bench.lm, prompts, count)
        return self._cells[condition]


def _edited_cells(
    bench: causal.Bench, active: str, prompts: Mapping[str, PromptSet], located: Located
) -> Iterable[tuple[dict[str, Any], Cell]]:
    """(place, cell) of every intervention and, where misbehaviour is at stake, its random twin."""
    few, many = bench.sampling.answers_per_question, bench.sampling.answers_per_question_main
    added, removals = located.added, causal.removals(located.removed)
    additions = causal.additions(added, bench.causal.strengths) if added else {}
    conditions = [name for name in prompts if not name.startswith("paraphrase:")]
    if added is None:
        removals, conditions = {"ablate": removals["ablate"]}, list(prompts)
    tried = [(located.removed, c, many if c == active else few, removals) for c in conditions]
    if added is not None:
        tried.append((added, "none", few, additions))
    for direction, condition, count, edits in tried:
        for name, edit in edits.items():
            place = {**site(direction), "condition": condition, "intervention": name}
            yield place, bench.sampler.sample(bench.lm, prompts[condition], count, [edit])
            if condition == active or edits is additions:
                placebo = causal.random_cell(bench, name, direction, prompts[condition], count)
                yield {**place, "intervention": f"random_{name}"}, placebo
