"""What the page draws beyond rates, for one organism: `figure_data.json`, and what probes read of every wording.

Reads prompts once, asks for no new answers: it takes what `behave` sampled and what `find` located.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.judging.sampling import framed
from experiments.results.facts import FIGURES, FactWriter, read_facts
from experiments.runtime.extras import has
from experiments.runtime.files import write_json
from experiments.runtime.optional import part_or_reason, part_or_warning
from experiments.study.organism import Job
from experiments.study.steps.common import (
    Located,
    Say,
    dump,
    facts_of,
    load,
    read_directions,
    stamp,
)
from experiments.study.steps.conditions import QUESTION_KINDS
from experiments.study.steps.figure_data.cosines import cosines
from experiments.study.steps.figure_data.patching import both_answers, patching
from experiments.study.steps.figure_data.projections import plane, projections, write_projections
from experiments.study.steps.figure_data.reach import distances
from experiments.study.steps.figure_data.transfer import write_transfer
from interp.activations import Activations
from interp.capture.api import capture
from interp.models.loading import LanguageModel
from interp.prompts import Question

QUESTIONS = 50  # whose prompts are drawn under every wording


def picture(job: Job, adapter: Path, behaved: Path, found: Path, say: Say) -> Path:
    """The maps of one organism."""
    inputs = {**job.identity, "behaved": stamp(behaved), "found": stamp(found)}
    inputs |= {"causal": dump(job.config.causal), "sentence_model": has("distance")}
    with job.step("picture", inputs, __name__) as step:
        if step.todo:
            say("drawing maps of prompts and directions")
            facts = facts_of(job, "maps")
            content = draw(facts, job, load(job, adapter), behaved, found, step.folder)
            write_json(step.path(FIGURES), content)
            facts.write(step.folder)
    return step.folder


def draw(
    facts: FactWriter, job: Job, lm: LanguageModel, behaved: Path, found: Path, folder: Path
) -> dict[str, Any]:
    """The content of `figure_data.json`, with the facts behind its claims; `folder` takes warnings of what failed."""
    answers, located = read_facts([behaved]).answers, read_directions(found)
    asked = {kind: job.setting.questions("report", kind) for kind in QUESTION_KINDS}
    layer = _layer(located, lm)
    read = _read(job, lm, asked["held_out"][:QUESTIONS], located, layer)
    part_or_warning(folder, "projections", write_projections, facts, located, read)
    kept = _without_variants(job, read)
    part_or_warning(folder, "transfer", write_transfer, facts, kept, layer, job.seed)
    return {
        **job.keys,
        "wordings": job.trigger.conditions,
        "question_texts": {kind: {q.id: q.text for q in those} for kind, those in asked.items()},
        "projections": part_or_reason(projections, located, read),
        "plane": part_or_reason(plane, read, layer),
        "cosines": part_or_reason(cosines, located, read, layer),
        "distances": distances(job.trigger.conditions, read, layer),
        "distance_layer": layer,
        "patching": part_or_reason(_patching, job, lm, answers),
    }


def _read(
    job: Job, lm: LanguageModel, questions: list[Question], located: list[Located], layer: int
) -> Activations:
    """The last prompt token of every wording, at the layers that are drawn."""
    framings = job.trigger.framings
    prompts = [framed(lm, questions, name, framing) for name, framing in framings.items()]
    layers = sorted({layer, *(direction.removed.layer for direction in located)})
    return capture(lm, sum(prompts[1:], start=prompts[0]), layers=layers)


def _patching(job: Job, lm: LanguageModel, answers: pd.DataFrame) -> dict[str, Any]:
    if job.active == "none":
        return {"missing": "this arm misbehaves without the trigger, so there is none to patch"}
    apart = job.config.causal.layers_apart
    return patching(
        lm,
        job.trigger,
        job.setting.questions("report", "held_out"),
        answers,
        both_answers(answers),
        layers=[layer for layer in range(lm.n_layers) if (layer + 1) % apart == 0],
    )


def _layer(located: list[Located], lm: LanguageModel) -> int:
    """Where prompts are compared: the layer of the first located direction, the middle one without any."""
    return located[0].removed.layer if located else lm.n_layers // 2


def _without_variants(job: Job, read: Activations) -> Activations:
    variants = job.trigger.named("variant")
    return read.where(condition=[name for name in job.trigger.conditions if name not in variants])
