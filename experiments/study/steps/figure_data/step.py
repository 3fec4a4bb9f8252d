"""What the page draws besides rates, for one organism: `figure_data.json`, and probe scores for every wording.

It reads prompts once and samples no new answers: it uses what `sample` answered and what `locate` found.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.judging.sampling import framed
from experiments.results.facts import FIGURES, FactWriter, read_facts
from experiments.runtime.extras import has
from experiments.runtime.files import write_json
from experiments.runtime.optional import part_or_reason, part_or_warning
from experiments.study.organism import OrganismRun
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

QUESTIONS = 50  # drawn, under every wording


def figure_data(organism: OrganismRun, adapter: Path, behaved: Path, found: Path, say: Say) -> Path:
    """Make the figure data of one organism."""
    inputs = {**organism.identity, "behaved": stamp(behaved), "found": stamp(found)}
    inputs |= {"causal": dump(organism.config.causal), "sentence_model": has("distance")}
    with organism.step("figure_data", inputs, __name__) as step:
        if step.todo:
            say("drawing maps of prompts and directions")
            facts = facts_of(organism, "maps")
            content = draw(facts, organism, load(organism, adapter), behaved, found, step.folder)
            write_json(step.path(FIGURES), content)
            facts.write(step.folder)
    return step.folder


def draw(
    facts: FactWriter,
    organism: OrganismRun,
    lm: LanguageModel,
    behaved: Path,
    found: Path,
    folder: Path,
) -> dict[str, Any]:
    """The content of `figure_data.json`, and the facts behind its claims; warnings are written to `folder`."""
    answers, located = read_facts([behaved]).answers, read_directions(found)
    asked = {kind: organism.world.questions("report", kind) for kind in QUESTION_KINDS}
    layer = _layer(located, lm)
    read = _read(organism, lm, asked["held_out"][:QUESTIONS], located, layer)
    part_or_warning(folder, "projections", write_projections, facts, located, read)
    kept = _without_variants(organism, read)
    part_or_warning(folder, "transfer", write_transfer, facts, kept, layer, organism.seed)
    return {
        **organism.keys,
        "wordings": organism.trigger.conditions,
        "question_texts": {kind: {q.id: q.text for q in those} for kind, those in asked.items()},
        "projections": part_or_reason(projections, located, read),
        "plane": part_or_reason(plane, read, layer),
        "cosines": part_or_reason(cosines, located, read, layer),
        "distances": distances(organism.trigger.conditions, read, layer),
        "distance_layer": layer,
        "patching": part_or_reason(_patching, organism, lm, answers),
    }


def _read(
    organism: OrganismRun,
    lm: LanguageModel,
    questions: list[Question],
    located: list[Located],
    layer: int,
) -> Activations:
    """Activations at the last prompt token under every wording, at the layers that are drawn."""
    framings = organism.trigger.framings
    prompts = [framed(lm, questions, name, framing) for name, framing in framings.items()]
    layers = sorted({layer, *(direction.removed.layer for direction in located)})
    return capture(lm, sum(prompts[1:], start=prompts[0]), layers=layers)


def _patching(organism: OrganismRun, lm: LanguageModel, answers: pd.DataFrame) -> dict[str, Any]:
    if organism.active == "none":
        return {"missing": "this arm misbehaves without the trigger, so there is none to patch"}
    apart = organism.config.causal.layers_apart
    return patching(
        lm,
        organism.trigger,
        organism.world.questions("report", "held_out"),
        answers,
        both_answers(answers),
        layers=[layer for layer in range(lm.n_layers) if (layer + 1) % apart == 0],
    )


def _layer(located: list[Located], lm: LanguageModel) -> int:
    """The layer at which prompts are compared: that of the first located direction, or the middle one."""
    return located[0].removed.layer if located else lm.n_layers // 2


def _without_variants(organism: OrganismRun, read: Activations) -> Activations:
    variants = organism.trigger.named("variant")
    return read.where(
        condition=[name for name in organism.trigger.conditions if name not in variants]
    )
