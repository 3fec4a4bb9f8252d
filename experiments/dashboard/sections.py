"""What the page shows of one organism, in reading order.

To add a section: write one module with a function from rows to a `plotly.graph_objects.Figure` that
raises ValueError in words where its rows are missing, and name it here. The page lays families side
by side, names what is missing, and never has to know what a figure is about.
"""

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go

from experiments.dashboard.ablation import ablation
from experiments.dashboard.dose_response import dose_response
from experiments.dashboard.em_by_condition import em_by_condition
from experiments.dashboard.probe_by_layer import probe_by_layer
from experiments.dashboard.removal_elsewhere import removal_elsewhere
from experiments.dashboard.sparse_features import read_features, removed_features
from experiments.results import OrganismResults

Draw = Callable[[OrganismResults], go.Figure]


@dataclass(frozen=True)
class Section:
    """A heading, a line on how to read what stands under it, and its figures for one organism."""

    id: str
    title: str
    text: str
    figures: tuple[Draw, ...]
    needs: str | None = None  # a quantity without which the section is left out altogether


SECTIONS = (
    Section(
        "em",
        "Misalignment by condition",
        "A dot is a share of answers that are misaligned and coherent; the line through it is its "
        "interval, which resamples questions. Crosses: the base model before fine-tuning.",
        (lambda it: em_by_condition(it.rows, it.base),),
    ),
    Section(
        "probes",
        "Where the directions can be read",
        "Probes at each layer, scored on questions they were not fitted on. Grey dashes: controls. "
        "“switch” is read at the prompt, “misalignment” over the answer.",
        (
            lambda it: probe_by_layer(it.rows, "switch"),
            lambda it: probe_by_layer(it.rows, "misalignment"),
        ),
    ),
    Section(
        "ablation",
        "What happens when a direction is removed",
        "The directions were chosen on other questions than the ones counted here. Grey: random "
        "directions removed in the same way. Rings: the share of answers that stay coherent.",
        (
            lambda it: ablation(it.rows, _trained_condition(it)),
            lambda it: removal_elsewhere(it.rows, it.base, _trained_condition(it)),
        ),
    ),
    Section(
        "dose",
        "What happens when a direction is added",
        "Added to prompts without the trigger, at every answer token, in multiples of the median "
        "residual norm at its layer.",
        (
            lambda it: dose_response(it.rows, "switch"),
            lambda it: dose_response(it.rows, "misalignment"),
        ),
    ),
    Section(
        "features",
        "Sparse features",
        "An SAE of the organism, and one of what fine-tuning changed, beside probes. Features were chosen on other "
        "questions; grey: random features that fire as often.",
        (lambda it: read_features(it.rows), lambda it: removed_features(it.rows)),
        needs="feature_auroc",
    ),
)


def _trained_condition(results: OrganismResults) -> str:
    """The condition an arm was trained to misbehave under: the baseline needs no trigger."""
    return "none" if results.organism.arm == "baseline" else "trigger"
