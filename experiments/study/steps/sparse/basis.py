"""Does the SAE basis find what the probe found? One vector from each method, all measured in the same way.

    difference of means, logistic, LEACE     fitted at the last prompt token of selection questions
    SAE feature                              the best of the organism's SAE, pooled over the prompt
    difference-SAE feature                   the best of the SAE of fine-tuned minus base
    found: NAME                              each vector that the study chose to remove, whatever its layer

For each: the AUROC on report questions, the AUROC on wordings that it was not fitted on, EM and coherence when its
vector is removed after every layer, and cosines to the others. A feature's score is its activation, and its vector is
its decoder vector.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.results.feature_names import BASIS
from experiments.study.steps.interventions import InterventionContext
from experiments.study.steps.locate.candidates import Labelled
from experiments.study.steps.locate.readouts import unseen_wordings
from experiments.study.steps.sparse.tokens import Tokens
from interp.activations import Activations
from interp.directions import unit
from interp.interventions import Ablate
from interp.prompts import PromptSet
from interp.sae.autoencoder import SparseAutoencoder
from probes.base import LinearProbe
from probes.difference_of_means import DifferenceOfMeans
from probes.features import BestFeature
from probes.leace import LeaceProbe
from probes.logistic import LogisticProbe

PROBES: dict[str, LinearProbe] = {
    "difference of means": DifferenceOfMeans(),
    "logistic": LogisticProbe(),
    "LEACE": LeaceProbe(),
}


@dataclass(frozen=True, eq=False)
class Method:
    """A vector, the read-out that chose it, and the rows it reads, as (selection, report)."""

    name: str
    vector: Float[Tensor, " d_model"]
    readout: Any
    rows: tuple[np.ndarray, ...]
    labels: tuple[Labelled, ...]
    position: str


def probe_methods(selection: Labelled, report: Labelled, layer: int) -> list[Method]:
    """One method for each probe."""
    rows = (selection.activations.at(layer).numpy(), report.activations.at(layer).numpy())
    found = []
    for name, probe in PROBES.items():
        fitted = probe.fit(rows[0], selection.y, selection.activations.questions)
        vector = torch.from_numpy(fitted.unit_vector).float()
        position = selection.activations.position
        found.append(Method(name, vector, probe, rows, (selection, report), position))
    return found


def feature_method(
    name: str,
    sae: SparseAutoencoder,
    rows: tuple[np.ndarray, ...],
    split: tuple[Tokens, Tokens],
    position: str,
) -> Method:
    """The feature that is ranked first on selection questions."""
    labels = tuple(
        _labelled(each, tokens, position) for each, tokens in zip(rows, split, strict=True)
    )
    best = BestFeature().fit(rows[0], labels[0].y, split[0].questions)
    vector = unit(sae.decoder[best.feature].float().cpu())
    return Method(f"{name} feature", vector, BestFeature(), rows, labels, position)


def measure(
    facts: FactWriter,
    methods: list[Method],
    context: InterventionContext,
    prompts: PromptSet,
    seed: int,
) -> None:
    """Read-out, transfer, removal and cosines of every method."""
    for method in methods:
        place: dict[str, Any] = {
            "direction": BASIS,
            "source": method.name,
            "position": method.position,
        }
        if method.readout is not None:
            _read(facts, method, place, seed)
        cut = context.sampler.sample(
            context.lm, prompts, context.sampling.answers_per_question, [Ablate(method.vector)]
        )
        facts.answers(cut, Edit("remove_vector"), **place)
        for other in methods:
            if other is not method:
                cosine = torch.nn.functional.cosine_similarity(method.vector, other.vector, dim=0)
                width = len(method.vector)
                facts.number("basis_cosine", float(cosine), n=width, to=other.name, **place)


def _read(facts: FactWriter, method: Method, place: dict[str, Any], seed: int) -> None:
    """Scores on report questions, and on wordings left out of fitting."""
    first, second = method.labels
    read = second.activations
    fitted = method.readout.fit(method.rows[0], first.y, first.activations.questions)
    scores = fitted.decision_function(method.rows[1])
    facts.scores("basis_auroc", scores, second.y, read.questions, read.conditions, **place)
    rows = (method.rows[0], method.rows[1])
    unseen = unseen_wordings(method.readout, rows, first, second, seed)
    facts.scores("basis_transfer_auroc", *unseen, **place)


def _labelled(rows: np.ndarray, tokens: Tokens, position: str) -> Labelled:
    """Pooled features with the label, condition and question of each row, as read-outs want them."""
    conditions = tokens.completions.conditions
    values = torch.as_tensor(rows)[:, None].float()
    return Labelled(
        Activations(values, (0,), conditions, tokens.questions, position), tokens.names_concept
    )
