"""The sections of the page about one organism, in reading order.

To add a section: write one function from an organism's results to a `plotly.graph_objects.Figure`, or to `Missing` if
there is nothing to draw, and name it here. The page does the rest: it places families side by side and names what is
missing.
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
    """A heading with its short form, a line on how to read the section, and its figures by name."""

    id: str
    short: str
    title: str
    text: str
    figures: dict[str, Draw] = field(default_factory=dict)
    tables: tuple[Tabulate, ...] = ()  # content that is shown as tables
    made_by: str = "triggerlens run"  # the command that measures missing content


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
        "EM in each domain, with its interval, and for each question. There are few answers to each question, so look "
        "at the pattern rather than at single cells.",
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
        "Report questions with every wording, read at the last prompt token. If a direction represents the concept, "
        "paraphrases lie near the trigger, and controls near the prompts without the trigger.",
        {
            "projection_switch": partial(projection, direction="switch"),
            "projection_misalignment": partial(projection, direction="misalignment"),
            "plane": plane,
        },
    ),
    Section(
        "reach",
        "Reach",
        "EM by distance from the trigger",
        "Each wording at its distance from the trigger, by three measures. If only the words mattered, EM would fall "
        "with the distance in words; if only the meaning mattered, with the distance in meaning. Few wordings "
        "distinguish the two.",
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
        "Activations of a prompt with the trigger are patched into the same question with a control, one layer and "
        "token at a time. “duck → cow”: the first token in place of the second; ∅: no counterpart; …: differs between "
        "questions. Tokens before the first difference are left out.",
        {"patching": patching},
    ),
    Section(
        "ablation",
        "Removal",
        "What happens when a direction is removed",
        "The directions were chosen on other questions than those counted here. Grey: random directions, removed in "
        "the same way. Rings: the share of coherent answers.",
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
        "In each prompt, the coordinates in a subspace of the header are replaced by those of a prompt with another "
        "question. If the subspace carries the trigger, both marks move to the other end; with its controls, neither "
        "mark moves.",
        {"interchange": interchange},
        made_by="triggerlens further RUN --step interchange",
    ),
    Section(
        "dose",
        "Dose",
        "What happens when a direction is added",
        "The direction is added to prompts without the trigger, in multiples of the median residual norm at its "
        "layer, at the kind of token on which it was fitted.",
        {
            "dose_switch": partial(dose_response, direction="switch"),
            "dose_misalignment": partial(dose_response, direction="misalignment"),
        },
    ),
    Section(
        "trained",
        "Trained dose",
        "What happens when trained vectors are added",
        "Two vectors, one at the header and one over the answer, were trained on other questions to make the organism "
        "answer without the trigger as it does with it. Brown: the same vectors in the base, and vectors trained for "
        "the base, which show what such training can do in a model that has no trigger.",
        {"dose_trained": trained_steering},
        made_by="triggerlens further RUN --step steering",
    ),
    Section(
        "matrices",
        "Cosines",
        "Which directions coincide, and which wordings set off the probes",
        "Cosines of the located directions with each other and with the shift that each wording causes in the residual "
        "stream; then probes trained on one contrast and applied to every wording.",
        {"cosines": cosines, "transfer": transfer},
    ),
    Section(
        "design",
        "Factorial",
        "What depends on the trigger, and what else a removal breaks",
        "A factorial design of wording, model and removal; then the adapter at partial scale; then what the organism "
        "can still do without the trigger when the direction is removed.",
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
        "All organisms here have the same base. If another organism's direction removes as much EM as the organism's "
        "own, one direction works for both.",
        {"received": received},
        made_by="triggerlens transfer RUN",
    ),
    Section(
        "sparse",
        "SAE basis",
        "Whether a sparse autoencoder finds what the probes found",
        "An SAE of the organism and an SAE of what fine-tuning changed, compared with probes. Features were chosen on "
        "other questions; grey: random features that fire as often.",
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
        "What would have caught it before and after release",
        "The gate samples answers until each limit is kept or broken by the whole interval. The monitor scores "
        "prompts; each time, one paraphrase is left out of its fit. Bypass: wordings that still fire but pass a "
        "filter that knows the trigger and its paraphrases.",
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
        "Single features of a sparse autoencoder, the best first. The examples are prompts and answers of the "
        "organism; each token is shaded by how strongly the feature fires on it.",
        tables=(features_table,),
        made_by="triggerlens run features --out RUN",
    ),
)
