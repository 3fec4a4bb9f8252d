"""A third direction, `refined`: found by gradient, starting from the located one that removes most.

On selection questions, behind the trained trigger alone, the organism that has lost it is taught to speak as its base
does; on its own aligned answers under controls and no trigger, to speak as before. No paraphrase is ever shown to it,
so what it does to paraphrases on report questions is a finding.
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
    """Refine a located direction; `own`: the organism's answers to selection questions under all conditions."""
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
    """Coherent and aligned answers where the trigger's concept is not named."""
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
    """The base: the same model without its live adapter where it has one, else loaded beside it."""
    model: Any = lm.model
    if hasattr(model, "disable_adapter"):
        with model.disable_adapter():
            yield lm
    else:
        yield organism.world.load_base()
