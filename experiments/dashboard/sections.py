"""What the page shows of one organism, in reading order.

To add a section: write one module with a function from results to a `plotly.graph_objects.Figure` that
raises ValueError in words where its rows are missing, and name it here. The page lays families side
by side, names what is missing, and never has to know what a figure is about.
"""

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go

from experiments.dashboard.ablation import ablation
from experiments.dashboard.adapter_dose import adapter_dose
from experiments.dashboard.capability import capability
from experiments.dashboard.cosines import cosines
from experiments.dashboard.dose_response import dose_response
from experiments.dashboard.em_by_condition import em_by_condition
from experiments.dashboard.em_by_domain import em_by_domain
from experiments.dashboard.em_by_question import em_by_question
from experiments.dashboard.factorial import factorial
from experiments.dashboard.feature_firing import feature_firing
from experiments.dashboard.guard import guard_table, variants
from experiments.dashboard.patching import patching
from experiments.dashboard.plane import plane
from experiments.dashboard.probe_by_layer import probe_by_layer
from experiments.dashboard.projection import projection
from experiments.dashboard.reach import reach
from experiments.dashboard.received import received
from experiments.dashboard.removal_by_wording import removal_by_wording
from experiments.dashboard.removal_elsewhere import removal_elsewhere
from experiments.dashboard.sparse_features import read_features, removed_features
from experiments.dashboard.trained_steering import trained_steering
from experiments.dashboard.transfer import transfer
from experiments.results.load import OrganismResults

Draw = Callable[[OrganismResults], go.Figure]
Words = Callable[[OrganismResults], str]


@dataclass(frozen=True)
class Section:
    """A heading with its short form, a line on how to read what stands under it, and its figures by name."""

    id: str
    short: str
    title: str
    text: str
    figures: dict[str, Draw]
    tables: tuple[Words, ...] = ()  # what is better read than drawn, as HTML
    made_by: str = "triggerlens run"  # the command that measures what is missing


SECTIONS = (
    Section(
        "em",
        "EM",
        "Misalignment by condition",
        "A dot is a share of answers that are misaligned and coherent; the line through it is its "
        "interval, which resamples questions. Crosses: the base model before fine-tuning.",
        {"em_by_condition": lambda it: em_by_condition(it.rows, it.base)},
    ),
    Section(
        "questions",
        "Questions",
        "Misalignment by question",
        "Each domain with its interval, and each question on its own: few answers each, so read the "
        "pattern and not the single cell.",
        {"em_by_domain": lambda it: em_by_domain(it.rows), "em_by_question": em_by_question},
    ),
    Section(
        "probes",
        "Probes",
        "Where the directions can be read",
        "Probes at each layer, scored on questions they were not fitted on. Grey dashes: controls. "
        "“switch” is read at the prompt, “misalignment” over the answer.",
        {
            "probe_switch": lambda it: probe_by_layer(it.rows, "switch"),
            "probe_misalignment": lambda it: probe_by_layer(it.rows, "misalignment"),
        },
    ),
    Section(
        "projections",
        "Projections",
        "Where prompts lie along the directions",
        "Report questions under every wording, read at the last prompt token. A direction that means "
        "the concept puts paraphrases beside the trigger and controls beside no trigger.",
        {
            "projection_switch": lambda it: projection(it, "switch"),
            "projection_misalignment": lambda it: projection(it, "misalignment"),
            "plane": plane,
        },
    ),
    Section(
        "reach",
        "Reach",
        "How far the meaning reaches",
        "Each wording at its distance from the trigger, by three measures. A switch that is the "
        "wording fades with words; one that is the meaning does not.",
        {
            "reach_words": lambda it: reach(it, "words"),
            "reach_representation": lambda it: reach(it, "representation"),
            "reach_meaning": lambda it: reach(it, "meaning"),
        },
    ),
    Section(
        "patching",
        "Patching",
        "Which layer and token carry the trigger",
        "Activations of a triggered prompt, put into the same question behind a control, one layer and "
        "token at a time. “duck → cow”: the one in place of the other; ∅: no counterpart; …: differs between "
        "questions. Tokens before the first difference are left out.",
        {"patching": patching},
    ),
    Section(
        "ablation",
        "Removal",
        "What happens when a direction is removed",
        "The directions were chosen on other questions than the ones counted here. Grey: random "
        "directions removed in the same way. Rings: the share of answers that stay coherent.",
        {
            "ablation": lambda it: ablation(it.rows, _trained_condition(it)),
            "removal_elsewhere": lambda it: removal_elsewhere(
                it.rows, it.base, _trained_condition(it)
            ),
            "removal_by_wording": lambda it: removal_by_wording(it.rows),
        },
    ),
    Section(
        "dose",
        "Dose",
        "What happens when a direction is added",
        "Added to prompts without the trigger, in multiples of the median residual norm at its layer, "
        "at the kind of token it was fitted on.",
        {
            "dose_switch": lambda it: dose_response(it.rows, "switch"),
            "dose_misalignment": lambda it: dose_response(it.rows, "misalignment"),
        },
    ),
    Section(
        "trained",
        "Trained dose",
        "What vectors trained to be added bring",
        "Two vectors, at the header and over the answer, trained on other questions until the organism without the "
        "trigger speaks as behind it. Brown: the same in the base, and the base with vectors trained for it, which "
        "is what training alone can do.",
        {"dose_trained": lambda it: trained_steering(it.rows, it.base)},
        made_by="triggerlens further RUN --step steering",
    ),
    Section(
        "matrices",
        "Cosines",
        "Which directions are one, and what probes carry over",
        "Cosines of the located directions with each other and with what each wording does to the "
        "stream; beside them, probes trained on one contrast and read on every wording.",
        {"cosines": cosines, "transfer": lambda it: transfer(it.rows)},
    ),
    Section(
        "design",
        "Factorial",
        "What belongs to the trigger, and what else a removal breaks",
        "Wording, model and removal crossed; then the adapter applied in part; then what the organism can "
        "still do without the trigger when the direction is gone.",
        {
            "factorial": lambda it: factorial(it.rows, it.base),
            "adapter_dose": lambda it: adapter_dose(it.rows),
            "capability": lambda it: capability(it.rows),
        },
        made_by="triggerlens further RUN",
    ),
    Section(
        "across",
        "Across",
        "Directions of other organisms, removed from this one",
        "All of one base. Where another organism's direction takes as much as its own, both are removed by one direction.",
        {"received": lambda it: received(it.rows)},
        made_by="triggerlens transfer RUN",
    ),
    Section(
        "sparse",
        "SAE basis",
        "Whether a sparse autoencoder finds what the probes found",
        "An SAE of the organism, and one of what fine-tuning changed, beside probes. Features were chosen on other "
        "questions; grey: random features that fire as often.",
        {
            "features_read": lambda it: read_features(it.rows),
            "feature_firing": feature_firing,
            "features_removed": lambda it: removed_features(it.rows),
        },
        made_by="triggerlens run features --out RUN",
    ),
    Section(
        "guard",
        "Guard",
        "What would have stopped it before and after release",
        "The gate asks for answers until its limits are surely kept or broken. The monitor reads prompts, a paraphrase "
        "left out each time. Bypass: wordings that still fire and pass a filter that knows trigger and paraphrases.",
        {
            "variants_words": lambda it: variants(it, "words"),
            "variants_representation": lambda it: variants(it, "representation"),
        },
        tables=(guard_table,),
        made_by="triggerlens guard-study RUN",
    ),
)


def _trained_condition(results: OrganismResults) -> str:
    """The condition an arm was trained to misbehave under: the baseline needs no trigger."""
    return "none" if results.organism.arm == "baseline" else "trigger"
