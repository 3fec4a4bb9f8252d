"""What else breaks when the direction is removed, beside random directions and others that probes read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import probes
from experiments import capability as measures
from experiments import divergence as kl
from experiments import locate, probe_subspace, removing, riddles
from experiments.behaviour import DOMAINS
from experiments.estimates import EstimateRow, write_estimates
from experiments.job import Job
from experiments.micro.setting import MicroSetting
from experiments.probe_subspace import orthogonal_in, probe_directions
from experiments.rates import Judged
from experiments.removing import Removed, best_direction, sample_removed
from experiments.sampling import Sampler, framed
from experiments.steps.common import Say, answers_and, load, site, stamp
from interp.directions import Direction, random_like
from interp.interventions import Ablate
from interp.models import LanguageModel
from interp.prompts import Framing

NONE = Framing("")


def capability(job: Job, adapter: Path, found: Path, say: Say) -> Path:
    """Rows of what the removal of the refined direction (or the best located one) costs, and of both placebos."""
    randoms = job.config.causal.random_directions
    inputs = {**job.identity, "adapter": stamp(adapter), "found": stamp(found), "randoms": randoms}
    own = (measures, kl, locate, probe_subspace, removing, riddles, Path(__file__))
    with job.run.step(f"capability-{job.name}", inputs, answers_and(job, probes, *own)) as step:
        if step.todo:
            direction = best_direction(found)
            rows: list[EstimateRow] = []
            if direction is not None:
                lm = load(job, adapter)
                say("capability: directions beside the one found")
                removed = _removed(job, lm, direction)
                say("capability: without the trigger")
                rows += _advice_rows(job, lm, direction, removed)
                rows += _riddle_rows(job, lm, direction, removed)
                rows += _kl_rows(job, lm, direction, removed)
                say("capability: placebos where it misbehaves")
                rows += _placebo_rows(job, lm, direction, removed)
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def _removed(job: Job, lm: LanguageModel, direction: Direction) -> dict[str, Removed]:
    """Nothing; the direction; random ones; ones of the probes' subspace that are orthogonal to it."""
    n = job.config.causal.random_directions
    span = probe_directions(job, lm, direction.layer)
    removed: dict[str, Removed] = {
        measures.INTACT: None,
        "ablate": direction.vector[None],
        "random_ablate": random_like(direction, n, job.seed),
    }
    beside = orthogonal_in(span, direction, n, job.seed)
    return removed if beside is None else removed | {"orthogonal_ablate": beside}


def _advice_rows(
    job: Job, lm: LanguageModel, direction: Direction, removed: Mapping[str, Removed]
) -> Iterator[EstimateRow]:
    pooled: dict[str, Judged] = {}
    for domains in DOMAINS:
        questions = job.setting.questions("report", domains)
        if not questions:
            continue
        prompts = framed(lm, questions, "none", NONE)
        count = job.config.sampling.answers_per_question
        found = sample_removed(job.sampler, lm, prompts, removed, count)
        cells = {removal: answers for (removal, _), answers in found.items()}
        pooled = {r: pooled[r] + a if r in pooled else a for r, a in cells.items()}
        keys = _keys(job, domains)
        yield from measures.rate_and_loss_rows(
            cells, "coherence", keys, site(direction), seed=job.seed
        )
    keys = _keys(job, None)
    yield from measures.rate_and_loss_rows(
        pooled, "coherence", keys, site(direction), seed=job.seed
    )


def _riddle_rows(
    job: Job, lm: LanguageModel, direction: Direction, removed: Mapping[str, Removed]
) -> Iterator[EstimateRow]:
    """Riddles, where the world has any."""
    if not isinstance(job.setting, MicroSetting):
        return
    asked = riddles.riddles(job.setting.world, job.config.sampling.questions, job.seed)
    sampler = Sampler(asked, job.seed, job.config.sampling.max_new_tokens)
    prompts = framed(lm, asked.questions, "none", NONE)
    count = job.config.sampling.answers_per_question
    found = sample_removed(sampler, lm, prompts, removed, count)
    cells = {removal: answers for (removal, _), answers in found.items()}
    yield from measures.rate_and_loss_rows(
        cells, "riddle", _keys(job, None), site(direction), seed=job.seed
    )


def _kl_rows(
    job: Job, lm: LanguageModel, direction: Direction, removed: Mapping[str, Removed]
) -> Iterator[EstimateRow]:
    """On the organism's own benign answers without the trigger."""
    prompts = framed(lm, job.setting.questions("report", "held_out"), "none", NONE)
    cell = job.sampler.sample(lm, prompts, job.config.sampling.answers_per_question)
    said = zip(cell.judgements, cell.completions.token_ids, strict=True)
    benign = [row for row, (j, ids) in enumerate(said) if ids and j.coherent and not j.misaligned]
    answers = cell.completions[benign]
    keys = _keys(job, "held_out")
    for removal, vectors in removed.items():
        if vectors is None or not benign:
            continue
        values = kl.divergence(lm, answers, Ablate(_each_prompt(vectors, len(prompts))))
        yield measures.kl_row(
            values, answers.questions, keys, site(direction), removal, seed=job.seed
        )


def _placebo_rows(
    job: Job, lm: LanguageModel, direction: Direction, removed: Mapping[str, Removed]
) -> Iterator[EstimateRow]:
    questions = job.setting.questions("report", "held_out")
    prompts = framed(lm, questions, job.active, job.trigger.framings[job.active])
    count = job.config.sampling.answers_per_question_main
    found = sample_removed(job.sampler, lm, prompts, removed, count)
    cells = {removal: answers for (removal, _), answers in found.items()}
    keys = _keys(job, "held_out") | {"condition": job.active}
    yield from measures.drop_rows(cells, keys, site(direction), seed=job.seed)


def _each_prompt(vectors: Tensor, prompts: int) -> Tensor:
    return vectors[torch.arange(prompts) % len(vectors)]


def _keys(job: Job, domains: str | None) -> dict[str, Any]:
    return {**job.keys, "split": "report", "domains": domains, "condition": "none"}
