"""Edits of the residual stream, one type each; they are applied in the order in which they are given.

    Add              h <- h + alpha * v            a direction, at a strength
    Ablate           h <- h - (h . v) v            a direction removed
    AblateSubspace   h <- h - B^T B h              a subspace removed
    AblateWrites     the same for everything written into the stream, including the embeddings
    MeanAblate       h <- mean                     or, in a subspace, its coordinates only
    Patch            h <- h'                       activations of another run
    ClampFeature     a feature of a sparse autoencoder set to a value
    ScaleFeature     a feature multiplied

Vectors and strengths are shared by all rows or given per prompt (first axis `row`, aligned with the prompt set), so
twenty random directions or nine strengths run in one batch. Interventions act on answers too, because every decoded
token passes the same site. The first answer token is predicted at the last prompt token, which belongs to the span
"header" and not to `AnswerTokens`. Results say at which tokens each intervention acted; one that never acted is an
error.
"""

from interp.interventions.ablate import Ablate, AblateSubspace, AblateWrites
from interp.interventions.add import Add
from interp.interventions.base import Intervention
from interp.interventions.features import Autoencoder, ClampFeature, ScaleFeature
from interp.interventions.installing import intervening
from interp.interventions.mean_ablate import MeanAblate
from interp.interventions.patch import Patch
from interp.interventions.report import InterventionLog, InterventionReport
from interp.interventions.where import AnswerTokens, EveryToken, Positions, PromptSpan

__all__ = [
    "Ablate",
    "AblateSubspace",
    "AblateWrites",
    "Add",
    "AnswerTokens",
    "Autoencoder",
    "ClampFeature",
    "EveryToken",
    "Intervention",
    "InterventionLog",
    "InterventionReport",
    "MeanAblate",
    "Patch",
    "Positions",
    "PromptSpan",
    "ScaleFeature",
    "intervening",
]
