"""Remove one organism's directions from models in which its trigger plays no part.

The baseline arm misbehaves without any trigger. The base misbehaves under its own reckless persona, if one is known.
If removing a direction leaves the misbehaviour of both, the direction is specific to its organism or context; if it
stops both, the direction is about misbehaviour in general.
"""

from pathlib import Path
from typing import Any

from experiments.judging.sampling import framed
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, facts_of, load, read_directions, site, stamp
from interp.interventions import Ablate
from interp.prompts import Framing


def compare(organism: OrganismRun, found: Path, baseline: Path | None, say: Say) -> Path:
    """What removing each direction does to the base under its persona and, if there is one, to the baseline arm."""
    inputs = {**organism.identity, "found": stamp(found), "baseline": stamp(baseline)}
    with organism.step("compare", inputs, __name__) as step:
        if step.todo:
            say("removing its directions from other models")
            facts = facts_of(organism, "elsewhere")
            if organism.world.persona is not None:
                _elsewhere(facts, organism, found, "persona", None, organism.world.persona)
            if baseline is not None:
                _elsewhere(facts, organism, found, "baseline_arm", baseline, Framing(""))
            facts.write(step.folder)
    return step.folder


def _elsewhere(
    facts: FactWriter,
    organism: OrganismRun,
    found: Path,
    subject: str,
    adapter: Path | None,
    framing: Framing,
) -> None:
    """Answers of another model, intact and with each direction removed."""
    lm = load(organism, adapter)
    prompts = framed(lm, organism.world.questions("report", "held_out"), "none", framing)
    count = organism.config.sampling.answers_per_question
    place: dict[str, Any] = {"subject": subject, "model": "fine_tuned" if adapter else "base"}
    facts.answers(organism.sampler.sample(lm, prompts, count), **place)
    for direction in (located.removed for located in read_directions(found)):
        cut = organism.sampler.sample(lm, prompts, count, [Ablate(direction.vector)])
        facts.answers(cut, Edit("ablate"), **site(direction), **place)
