"""Wording x model x removal in one table, and the adapter in doses; reads what other steps have finished."""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import probes
from experiments import factorial as design
from experiments import removing
from experiments.chat import organism
from experiments.estimates import EstimateRow, write_estimates
from experiments.job import Job
from experiments.micro.setting import MicroSetting
from experiments.rates import Judged, coherence_rate, em_rate
from experiments.removing import Removed, best_direction, sample_removed
from experiments.sampling import framed
from experiments.steps.common import Say, answers_and, load, site, stamp
from interp.adapter_dose import adapter_dose
from interp.directions import Direction, random_like
from interp.models import LanguageModel, load_model
from interp.prompts import PromptSet

DOSES = (0.0, 0.25, 0.5, 0.75, 1.0)


def factorial(job: Job, adapter: Path, found: Path, say: Say) -> Path:
    """Rows of every cell and interaction, with the refined direction where there is one."""
    randoms = job.config.causal.random_directions
    inputs = {**job.identity, "adapter": stamp(adapter), "found": stamp(found), "randoms": randoms}
    code = answers_and(job, probes, design, removing, Path(__file__))
    with job.run.step(f"factorial-{job.name}", inputs, code) as step:
        if step.todo:
            keys = {**job.keys, "split": "report", "domains": "held_out"}
            rows = list(_dose_rows(job, adapter, keys, say))
            direction = best_direction(found)
            if direction is not None:
                cells = _cells(job, adapter, direction, say)
                rows += design.factorial_rows(cells, keys, site(direction), seed=job.seed)
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def _cells(job: Job, adapter: Path, direction: Direction, say: Say) -> design.Cells:
    removed: dict[str, Removed] = {
        "none": None,
        "ablate": direction.vector[None],
        "random_ablate": random_like(direction, job.config.causal.random_directions, job.seed),
    }
    count = job.config.sampling.answers_per_question
    cells: dict[design.Place, Judged] = {}
    for model in design.MODELS:
        say(f"factorial: every wording and removal, {model.replace('_', '-')}")
        lm = load(job, adapter if model == "fine_tuned" else None)
        found = sample_removed(job.sampler, lm, _prompts(job, lm), removed, count)
        cells |= {(model, *place): answers for place, answers in found.items()}
    return cells


def _prompts(job: Job, lm: LanguageModel) -> PromptSet:
    """Held-out report questions under every wording of the design."""
    questions = job.setting.questions("report", "held_out")
    sets = [
        framed(lm, questions, name, framing)
        for name, framing in design.wordings(job.trigger).items()
    ]
    return sum(sets[1:], start=sets[0])


def _dose_rows(job: Job, adapter: Path, keys: Mapping[str, Any], say: Say) -> Iterator[EstimateRow]:
    """EM and coherence under every wording with the adapter scaled; none where there is no adapter to scale."""
    lm = _with_live_adapter(job, adapter)
    if lm is None:
        return
    prompts = _prompts(job, lm)
    for dose in DOSES:
        say(f"factorial: adapter at {dose:g}")
        with adapter_dose(lm, dose):
            found = sample_removed(
                job.sampler, lm, prompts, {"none": None}, job.config.sampling.answers_per_question
            )
        for ((_, condition), answers), (name, rate) in product(
            found.items(), (("em", em_rate), ("coherence", coherence_rate))
        ):
            place = {**keys, "condition": condition, "intervention": f"dose:{dose:g}"}
            estimate = rate(answers, seed=job.seed)
            yield EstimateRow.of(estimate, quantity=f"dose_{name}_rate", **place)


def _with_live_adapter(job: Job, adapter: Path) -> LanguageModel | None:
    if isinstance(job.setting, MicroSetting):  # which merges the adapter of an organism it loads
        return load_model(job.setting.base_folder, adapter=adapter)
    own = organism.read(adapter)
    return None if own is not None and own.checkpoint is not None else load(job, adapter)
