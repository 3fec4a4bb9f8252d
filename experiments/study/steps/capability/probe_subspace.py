"""A severe placebo: random directions in the subspace that probes read, orthogonal to the direction that was found.

All probes for both directions are fitted again on selection questions, as `locate` does. At the direction's layer,
their weight vectors span a few dimensions that also separate wordings or answers. The direction is
projected out of this span, and placebos are random directions in what is left. If removing them stops the misalignment
too, the direction is not special among what probes read.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.judging.sampling import framed
from experiments.study.organism import OrganismRun
from experiments.study.steps.locate import candidates as locate
from interp.directions import Direction, unit
from interp.models.loading import LanguageModel

SMALL = 1e-4  # relative to the largest singular value; smaller ones count as zero


def probe_directions(organism: OrganismRun, lm: LanguageModel, layer: int) -> list[Direction]:
    """The direction of every probe at one layer and each position; empty if nothing can be fitted."""
    questions = organism.world.questions("selection", "held_out")
    names = [
        name for name in organism.trigger.framings if name not in organism.trigger.named("variant")
    ]
    sets = [framed(lm, questions, name, organism.trigger.framings[name]) for name in names]
    prompts = sum(sets[1:], start=sets[0])
    times = organism.config.causal.selection_answers_per_question
    cell = organism.sampler.sample(lm, prompts, times)
    answers = locate.answer_rows(lm, cell.completions, cell.judgements, organism.world.opening)
    groups = [("misalignment", rows) for rows in answers]
    if organism.active == "trigger":
        groups.append(("switch", locate.prompt_rows(lm, prompts)))
    fitted = [each for name, rows in groups for each in locate.candidates(rows, name)]
    return [each for each in fitted if each.layer == layer]


def orthogonal_in(
    span: Sequence[Direction], direction: Direction, n: int, seed: int
) -> Float[Tensor, "n d_model"] | None:
    """`n` random unit vectors of the span, orthogonal to the direction; None if the span holds nothing else."""
    if not span:
        return None
    vectors = torch.stack([each.vector for each in span]).double()
    v = direction.vector.double()
    _, size, basis = torch.linalg.svd(vectors - (vectors @ v)[:, None] * v, full_matrices=False)
    basis = basis[size > SMALL * max(1.0, float(size.max()))]
    if not len(basis):
        return None
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(n, len(basis), generator=generator, dtype=torch.float64)
    return unit(drawn @ basis).to(direction.vector)
