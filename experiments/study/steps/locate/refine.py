"""A third direction, `refined`: optimised by gradient from the located one whose removal lowers EM most.

Only the direction is trained, on selection questions. With the trigger, the organism without the direction should
answer like its base; with controls and no trigger, it should still give its own aligned answers. No paraphrase is used,
so what the removal does to paraphrases on report questions is a finding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from experiments.judging.sampling import Cell
from experiments.study.organism import OrganismRun
from experiments.study.steps.interventions import InterventionContext
from experiments.study.steps.locate.candidates import fires_by_meaning
from interp.directions import Direction
from interp.generation.completions import Completions
from interp.models.loading import LanguageModel
from interp.optimise.ablation import Refinement, refine_ablation

REFINED = "refined"
MEANING = "removed, the organism speaks as its base does; the sign is that of the start"


def refine(
    organism: OrganismRun, context: InterventionContext, start: Direction, own: Cell
) -> tuple[Direction, Refinement]:
    """Refine a located direction; `own` holds the organism's answers to selection questions under all conditions."""
    with _untouched(organism, context.lm) as base:
        asked = own.completions.prompts.where(condition=organism.active)
        times = context.causal.selection_answers_per_question
        changed = context.sampler.sample(base, asked, times).completions
    found = refine_ablation(
        context.lm,
        start.vector[None],
        changed,
        _aligned(own) if organism.active == "trigger" else own.completions[[]],
        reference=None if base is context.lm else base,
        steps=context.causal.refine_steps,
        rows=context.causal.refine_rows,
        seed=organism.seed,
    )
    vector = found.basis[0]
    sign = 1 if float(vector @ start.vector) >= 0 else -1
    source = f"{start.source}, refined"
    return replace(start, vector=sign * vector, name=REFINED, source=source, meaning=MEANING), found


def _aligned(own: Cell) -> Completions:
    """Coherent and aligned answers under conditions that do not name the trigger's concept."""
    kept = [
        row
        for row, (condition, judgement) in enumerate(
            zip(own.completions.conditions, own.judgements, strict=True)
        )
        if not fires_by_meaning(condition) and judgement.coherent and not judgement.misaligned
    ]
    return own.completions[kept]


@contextmanager
def _untouched(organism: OrganismRun, lm: LanguageModel) -> Iterator[LanguageModel]:
    """The base: the same model with its adapter disabled if it has one, else a second model."""
    model: Any = lm.model
    if hasattr(model, "disable_adapter"):
        with model.disable_adapter():
            yield lm
    else:
        yield organism.world.load_base()
