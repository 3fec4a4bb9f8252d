"""Remove one organism's directions from models in which its trigger plays no part.

The baseline arm misbehaves without any trigger, the base under its own reckless persona, where one is
known. A direction whose removal leaves both standing is local to its organism or context; one whose removal takes both
is of misbehaviour in general.
"""

from pathlib import Path
from typing import Any

from experiments.judging.sampling import framed
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.study.organism import Job
from experiments.study.steps.common import Say, facts_of, load, read_directions, site, stamp
from interp.interventions import Ablate
from interp.prompts import Framing


def compare(job: Job, found: Path, baseline: Path | None, say: Say) -> Path:
    """What each direction takes from the base's persona and, where there is one, from the baseline arm."""
    inputs = {**job.identity, "found": stamp(found), "baseline": stamp(baseline)}
    with job.step("compare", inputs, __name__) as step:
        if step.todo:
            say("removing its directions from other models")
            facts = facts_of(job, "elsewhere")
            if job.setting.persona is not None:
                _elsewhere(facts, job, found, "persona", None, job.setting.persona)
            if baseline is not None:
                _elsewhere(facts, job, found, "baseline_arm", baseline, Framing(""))
            facts.write(step.folder)
    return step.folder


def _elsewhere(
    facts: FactWriter, job: Job, found: Path, subject: str, adapter: Path | None, framing: Framing
) -> None:
    """One other model's answers, intact and without each direction."""
    lm = load(job, adapter)
    prompts = framed(lm, job.setting.questions("report", "held_out"), "none", framing)
    count = job.config.sampling.answers_per_question
    place: dict[str, Any] = {"subject": subject, "model": "fine_tuned" if adapter else "base"}
    facts.answers(job.sampler.sample(lm, prompts, count), **place)
    for direction in (located.removed for located in read_directions(found)):
        cut = job.sampler.sample(lm, prompts, count, [Ablate(direction.vector)])
        facts.answers(cut, Edit("ablate"), **site(direction), **place)
