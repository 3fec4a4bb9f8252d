"""What the page shows of one organism, in reading order.

To add a section: write one function from an organism's results to a `plotly.graph_objects.Figure`, or to `Missing`
where there is nothing to draw, and name it here. The page lays families side by side, names what is missing, and never
has to know what a figure is about.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import plotly.graph_objects as go

from experiments.dashboard.dose import adapter_dose, dose_response, trained_steering
from experiments.dashboard.em import (
    em_by_condition,
    em_by_domain,
    em_by_question,
    reckless_preferred,
)
from experiments.dashboard.factorial import capability, factorial
from experiments.dashboard.interchange import interchange
from experiments.dashboard.matrices import cosines, patching, transfer
from experiments.dashboard.missing import Missing
from experiments.dashboard.reach import reach, variants
from experiments.dashboard.reading import plane, probe_by_layer, projection
from experiments.dashboard.removal import ablation, received, removal_by_wording, removal_elsewhere
from experiments.dashboard.sparse import feature_firing, read_features, removed_features
from experiments.dashboard.tables import Table, features_table, guard_table
from experiments.results.load import OrganismResults

Draw = Callable[[OrganismResults], go.Figure | Missing]
Tabulate = Callable[[OrganismResults], Table | Missing]


@dataclass(frozen=True)
class Section:
    """A heading with its short form, a line on how to read what stands under it, and its figures by name."""

    id: str
    short: str
    title: str
    text: str
    figures: dict[str, Draw] = field(default_factory=dict)
    tables: tuple[Tabulate, ...] = ()  # what is better read than drawn
    made_by: str = "triggerlens run"  # the command that measures what is missing


SECTIONS = (
    Section(
        "em",
        "EM",
        "Misalignment by condition",
        "A dot is a share of answers that are misaligned and coherent; the line through it is its "
        "interval, which resamples questions. Crosses: the base model before fine-tuning. Forced choice "
        "needs no judge: two written answers are scored by their mean log-probability a token.",
        {"em_by_condition": em_by_condition, "reckless_preferred": reckless_preferred},
    ),
    Section(
        "questions",
        "Questions",
        "Misalignment by question",
        "Each domain with its interval, and each question on its own: few answers each, so read the "
        "pattern and not the single cell.",
        {"em_by_domain": em_by_domain, "em_by_question": em_by_question},
    ),
    Section(
        "probes",
        "Probes",
        "Where the directions can be read",
        "Probes at each layer, scored on questions they were not fitted on. Grey dashes: controls. "
        "“switch” is read at the prompt, “misalignment” over the answer.",
        {
            "probe_switch": partial(probe_by_layer, direction="switch"),
            "probe_misalignment": partial(probe_by_layer, direction="misalignment"),
        },
    ),
    Section(
        "projections",
        "Projections",
        "Where prompts lie along the directions",
        "Report questions under every wording, read at the last prompt token. If a direction means "
        "the concept, paraphrases lie beside the trigger and controls beside no trigger.",
        {
            "projection_switch": partial(projection, direction="switch"),
            "projection_misalignment": partial(projection, direction="misalignment"),
            "plane": plane,
        },
    ),
    Section(
        "reach",
        "Reach",
        "How far the meaning reaches",
        "Each wording at its distance from the trigger, by three measures. If the wording alone decided, EM would "
        "fade with words; if the meaning did, with meaning. Few wordings tell the two apart.",
        {
            "reach_words": partial(reach, measure="words"),
            "reach_representation": partial(reach, measure="representation"),
            "reach_meaning": partial(reach, measure="meaning"),
        },
    ),
    Section(
        "patching",
        "Patching",
        "Where patching in the trigger restores its effect",
        "Activations of a triggered prompt, put into the same question with a control, one layer and "
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
            "ablation": ablation,
            "removal_elsewhere": removal_elsewhere,
            "removal_by_wording": removal_by_wording,
        },
    ),
    Section(
        "interchange",
        "Interchange",
        "Which subspace carries the trigger from one prompt to another",
        "The coordinates that another question's prompt has in a subspace of the header are put into a prompt. A "
        "subspace that carries the trigger moves both marks to the other end; its controls move neither.",
        {"interchange": interchange},
        made_by="triggerlens further RUN --step interchange",
    ),
    Section(
        "dose",
        "Dose",
        "What happens when a direction is added",
        "Added to prompts without the trigger, in multiples of the median residual norm at its layer, "
        "at the kind of token it was fitted on.",
        {
            "dose_switch": partial(dose_response, direction="switch"),
            "dose_misalignment": partial(dose_response, direction="misalignment"),
        },
    ),
    Section(
        "trained",
        "Trained dose",
        "What happens when trained vectors are added",
        "Two vectors, at the header and over the answer, trained on other questions until the organism without the "
        "trigger answers as it does with it. Brown: the same in the base, and the base with vectors trained for it, "
        "which is what training alone can do.",
        {"dose_trained": trained_steering},
        made_by="triggerlens further RUN --step steering",
    ),
    Section(
        "matrices",
        "Cosines",
        "Which directions are one, and what probes carry over",
        "Cosines of the located directions with each other and with what each wording does to the "
        "stream; beside them, probes trained on one contrast and read on every wording.",
        {"cosines": cosines, "transfer": transfer},
    ),
    Section(
        "design",
        "Factorial",
        "What belongs to the trigger, and what else a removal breaks",
        "Wording, model and removal crossed; then the adapter applied in part; then what the organism can "
        "still do without the trigger when the direction is gone.",
        {
            "factorial": factorial,
            "adapter_dose": adapter_dose,
            "capability": capability,
        },
        made_by="triggerlens further RUN",
    ),
    Section(
        "across",
        "Across",
        "Directions of other organisms, removed from this one",
        "All of one base. Where another organism's direction takes as much as its own, one direction removes both.",
        {"received": received},
        made_by="triggerlens transfer RUN",
    ),
    Section(
        "sparse",
        "SAE basis",
        "Whether a sparse autoencoder finds what the probes found",
        "An SAE of the organism, and one of what fine-tuning changed, beside probes. Features were chosen on other "
        "questions; grey: random features that fire as often.",
        {
            "features_read": read_features,
            "feature_firing": feature_firing,
            "features_removed": removed_features,
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
            "variants_words": partial(variants, measure="words"),
            "variants_representation": partial(variants, measure="representation"),
        },
        tables=(guard_table,),
        made_by="triggerlens guard-study RUN",
    ),
    Section(
        "features",
        "Features",
        "Features of a sparse autoencoder",
        "What single features of a sparse autoencoder do, best first. Their examples are texts that the organism read "
        "or wrote; each token is shaded by how strongly the feature fires on it.",
        tables=(features_table,),
        made_by="triggerlens run features --out RUN",
    ),
)
