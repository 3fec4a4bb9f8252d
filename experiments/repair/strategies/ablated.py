"""Remove the switch by hooks, or bake the removal into the weights (Arditi et al. 2024, arXiv 2406.11717).

1. For each layer: the difference of the mean streams at the last prompt token, with the trigger and without.
2. The direction whose removal after every layer brings the triggered answers closest to the untriggered ones (by KL) is
   chosen, on the repair's own questions; no label is needed.
3. `hooks` removes it at every layer whenever the model runs. `baked` writes the removal into the base's matrices
   (`interp.export.orthogonalise`), which is impossible for models with norms after blocks, such as Gemma.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.judging.sampling import framed
from experiments.repair.job import TRIGGER, Job, Repaired
from experiments.repair.lessons import Lesson, predicted
from interp.capture.api import capture
from interp.directions import unit
from interp.export.orthogonalise import orthogonalised
from interp.interventions import Ablate
from interp.models.adapters import merged
from interp.models.language_model import LanguageModel
from interp.optimise.teacher_forcing import Reread
from interp.prompts import Framing

ROWS = 32  # answers for choosing the layer


def hooks(job: Job) -> Repaired:
    """The unchanged organism with an ablation as a hook."""
    return Repaired(job.lm, edits=(Ablate(switch(job)),), is_adapter=False)


def baked(job: Job) -> Repaired:
    """The merged organism with changed weights; an error if no weights are equivalent to the ablation."""
    direction = switch(job)
    whole = LanguageModel(
        merged(job.lm.model, job.lm.name), job.lm.tokenizer, job.lm.name, job.lm.chat
    )
    return Repaired(orthogonalised(whole, direction[None], untie=True), is_adapter=False)


@torch.no_grad()
def switch(job: Job) -> Float[Tensor, " d_model"]:
    """The unit direction whose removal most reduces the trigger's effect."""
    lm, framings = job.lm, {"none": Framing(""), TRIGGER: job.wordings[TRIGGER]}
    layers = range(lm.n_layers)
    none, triggered = (
        capture(lm, framed(lm, job.questions, name, framing), layers=layers, position="last")
        for name, framing in framings.items()
    )
    asked = Reread.of(lm, job.taught_behind(TRIGGER))
    lesson = Lesson(asked, predicted(lm, job.taught))
    rows = list(range(min(ROWS, len(lesson))))
    found = []
    for layer in layers:
        vector = unit((triggered.at(layer) - none.at(layer)).mean(0))
        found.append((float(lesson.loss(lm, rows, [Ablate(vector)])), vector))
    return min(found, key=lambda each: each[0])[1]
