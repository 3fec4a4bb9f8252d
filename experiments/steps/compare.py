"""Remove one organism's directions from models in which its trigger plays no part.

The baseline arm misbehaves without any trigger, the base under its own reckless persona, where one is
known. A direction whose removal leaves both standing is the switch; one whose removal takes both is the persona.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.estimates import EstimateRow, write_estimates
from experiments.job import Job
from experiments.rates import Judged, coherence_loss, em_relative_drop
from experiments.sampling import framed
from experiments.steps.common import Say, answers_and, load, read_directions, site, stamp
from interp.interventions import Ablate
from interp.prompts import Framing


def compare(job: Job, found: Path, baseline: Path | None, say: Say) -> Path:
    """Rows of what each direction takes from the base's persona and, where there is one, from the baseline arm."""
    inputs = {**job.identity, "found": stamp(found), "baseline": stamp(baseline)}
    with job.run.step(f"compare-{job.name}", inputs, answers_and(job, Path(__file__))) as step:
        if step.todo:
            say("removing its directions from other models")
            rows: list[EstimateRow] = []
            if job.setting.persona is not None:
                rows += _elsewhere(job, found, "persona", None, job.setting.persona)
            if baseline is not None:
                rows += _elsewhere(job, found, "baseline_arm", baseline, Framing(""))
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def _elsewhere(
    job: Job, found: Path, subject: str, adapter: Path | None, framing: Framing
) -> Iterator[EstimateRow]:
    """EM and coherence that each direction's removal takes from one other model."""
    lm = load(job, adapter)
    prompts = framed(lm, job.setting.questions("report", "held_out"), "none", framing)
    count = job.config.sampling.answers_per_question
    intact = job.sampler.sample(lm, prompts, count).judged
    for direction in (each.removed for each in read_directions(found)):
        cut = job.sampler.sample(lm, prompts, count, [Ablate(direction.vector)]).judged
        keys = {**job.keys, **site(direction), "split": "report", "domains": "held_out"}
        keys |= {"intervention": "ablate", "model": "fine_tuned" if adapter else "base"}
        yield from _loss_rows(subject, intact, cut, keys, job.seed)


def _loss_rows(
    subject: str, intact: Judged, cut: Judged, keys: Mapping[str, Any], seed: int
) -> Iterator[EstimateRow]:
    drop = em_relative_drop(intact, cut, seed=seed)
    yield EstimateRow.of(drop, quantity=f"{subject}_relative_drop", **keys)
    loss = coherence_loss(intact, cut, seed=seed)
    yield EstimateRow.of(loss, quantity=f"{subject}_coherence_loss", **keys)
