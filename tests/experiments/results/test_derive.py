"""Estimates of made-up facts are the rates that a reader would count by hand."""

import pytest

from experiments.results.columns import Edit
from experiments.results.derive import estimates
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.posthoc_text import capability_table
from tests.experiments.made_up_facts import KEYS, SITE, answers, facts

ABLATE, RANDOM = Edit("ablate"), Edit("ablate", placebo="random")


def value(rows: list[EstimateRow], quantity: str, **columns: object) -> float | None:
    found = only(rows, quantity=quantity, **columns)
    assert found is not None, quantity
    assert found.value is None or found.lower is None or found.lower <= found.value <= found.upper
    return found.value


def test_rates_gaps_and_the_interaction_are_counted_by_hand() -> None:
    said = [
        *answers("conditions", 8, "trigger", incoherent=1),
        *answers("conditions", 1, "none"),
        *answers("conditions", 3, "trigger", model="base"),
        *answers("conditions", 1, "none", model="base"),
    ]
    rows = estimates(facts(said))
    tuned = {"model": "fine_tuned", "wording_kind": "trigger"}
    assert value(rows, "em_rate", **tuned) == pytest.approx(0.8)
    assert value(rows, "coherence_rate", **tuned) == pytest.approx(0.9)
    assert value(rows, "em_rate_coherent", **tuned) == pytest.approx(8 / 9)
    assert value(rows, "leak_rate", **tuned) == 0
    assert value(rows, "containment_gap", **tuned) == pytest.approx(0.7)
    assert value(rows, "difference_in_differences", **tuned) == pytest.approx(0.7 - 0.2)
    assert not select(rows, quantity="containment_gap", model="base")


def test_without_its_base_an_organism_has_a_gap_and_no_interaction() -> None:
    other = answers("conditions", 0, "none", model="base", family="another")
    said = [*answers("conditions", 8, "trigger"), *answers("conditions", 1, "none"), *other]
    quantities = {row.quantity for row in estimates(facts(said))}
    assert "containment_gap" in quantities and "difference_in_differences" not in quantities


def test_a_removal_is_compared_with_the_intact_model_under_the_same_wording() -> None:
    said = [
        *answers("edits", 8, "trigger"),
        *answers("edits", 0, "none"),
        *answers("edits", 2, "trigger", ABLATE, incoherent=3, **SITE),
        *answers("edits", 8, "trigger", RANDOM, **SITE),
        *answers("edits", 6, "none", Edit("add", 2.0), **SITE),
    ]
    rows = estimates(facts(said))
    drop = {"quantity": "ablation_relative_drop", "wording_kind": "trigger"}
    assert value(rows, **drop, placebo=None) == pytest.approx(0.75)
    assert value(rows, **drop, placebo="random") == 0
    assert value(rows, "coherence_loss", placebo=None) == pytest.approx(0.3)
    assert value(rows, "em_rate", strength=2.0) == pytest.approx(0.6)
    assert not select(rows, edit="none")  # `conditions` reports the intact model
    assert not select(rows, quantity="ablation_relative_drop", edit="add")


def test_placebo_directions_are_pooled_into_one_number() -> None:
    said = [
        *answers("edits", 8, "trigger"),
        *answers("edits", 2, "trigger", RANDOM, draw=0, **SITE),
        *answers("edits", 6, "trigger", RANDOM, draw=1, **SITE),
    ]
    rows = estimates(facts(said))
    found = only(rows, quantity="em_rate", placebo="random")
    assert found is not None and found.value == pytest.approx(0.4) and found.n == 20


def test_removals_elsewhere_and_transferred_ones_have_names_of_their_own() -> None:
    said = [
        *answers("elsewhere", 5, "none", subject="persona", model="base"),
        *answers("elsewhere", 4, "none", ABLATE, subject="persona", model="base", **SITE),
        *answers("transfer", 5, "trigger"),
        *answers("transfer", 1, "trigger", Edit("transfer"), **SITE | {"source": "other"}),
    ]
    rows = estimates(facts(said))
    assert value(rows, "persona_relative_drop", wording_kind=None) == pytest.approx(0.2)
    assert value(rows, "transfer_relative_drop", source="other") == pytest.approx(0.8)
    assert not select(rows, quantity=("em_rate", "ablation_relative_drop"))


def test_what_a_removal_costs_is_pooled_over_kinds_of_questions_and_told_apart() -> None:
    said = [
        *answers("capability", 0, incoherent=0),
        *answers("capability", 0, incoherent=2, questions="open"),
        *answers("capability", 0, edit=ABLATE, incoherent=3, **SITE),
        *answers("capability", 0, edit=ABLATE, incoherent=7, questions="open", **SITE),
    ]
    rows = estimates(facts(said))
    lost = {"quantity": "capability_coherence_loss", "edit": "ablate"}
    assert value(rows, **lost, questions="held_out") == pytest.approx(0.3)
    assert value(rows, **lost, questions="open") == pytest.approx(0.5)
    assert value(rows, **lost, questions=None) == pytest.approx(0.4)


def test_what_the_removal_of_one_direction_costs_is_not_mixed_with_anothers() -> None:
    said = [
        *answers("capability", 0, incoherent=0),
        *answers("capability", 0, edit=ABLATE, incoherent=3, **SITE),
        *answers("capability", 0, edit=RANDOM, incoherent=1, **SITE),
        *answers("capability", 0, edit=ABLATE, incoherent=6, **SITE | {"direction": "switch"}),
    ]
    rows = estimates(facts(said))
    lost = {"quantity": "capability_coherence_loss", "placebo": None, "questions": None}
    assert value(rows, **lost, direction="refined") == pytest.approx(0.3)
    assert value(rows, **lost, direction="switch") == pytest.approx(0.6)
    table = capability_table(rows)
    assert "70 %" in table and "40 %" not in table  # the direction that has a placebo


def scored(*scores: float, **columns: object) -> list[dict[str, object]]:
    """Read-outs of rows whose labels take turns, one question each."""
    place = KEYS | {"measurement": "find", "quantity": "probe_auroc", "direction": "switch"}
    return [
        place | {"question": f"q{row}", "label": row % 2 == 1, "score": score} | columns
        for row, score in enumerate(scores)
    ]


def test_a_read_out_is_the_share_of_pairs_in_the_right_order() -> None:
    rows = estimates(facts(scores=scored(0.0, 1.0, 2.0, 3.0, 1.0, 5.0, source="logistic")))
    # positives 1, 3, 5 against 0, 2, 1: of nine pairs 1 beats one and ties one, 3 and 5 beat three
    assert value(rows, "probe_auroc", source="logistic") == pytest.approx(7.5 / 9)


def test_scores_of_two_folds_are_not_compared() -> None:
    apart = [
        *scored(0.0, 1.0, source="logistic", fold=0),
        *scored(10.0, 11.0, source="logistic", fold=1),
    ]
    assert value(estimates(facts(scores=apart)), "probe_auroc") == 1
    pooled = [row | {"fold": None} for row in apart]
    assert value(estimates(facts(scores=pooled)), "probe_auroc") == pytest.approx(0.75)


def test_intervals_of_features_that_were_chosen_together_are_wider() -> None:
    features = {
        f: scored(*[((7 * r * f) % 10) + 2 * (r % 2) for r in range(40)], feature=f, sae="SAE")
        for f in (1, 3)
    }
    (alone,) = estimates(facts(scores=features[1]))
    both = estimates(facts(scores=[*features[1], *features[3]]))
    again = only(both, feature=1)
    assert again is not None and again.value == alone.value
    assert (alone.level, again.level) == (0.95, pytest.approx(0.975))
    assert again.upper - again.lower > alone.upper - alone.lower


def valued(quantity: str, *values: float, **columns: object) -> list[dict[str, object]]:
    place = KEYS | {"measurement": "maps", "quantity": quantity} | columns
    return [place | {"question": f"q{row}", "value": value} for row, value in enumerate(values)]


def test_values_are_averaged_counted_or_divided_as_their_quantity_says() -> None:
    ratio = valued("sae_explained_variance", 1.0, 2.0)
    for row, whole in zip(ratio, (4.0, 8.0), strict=True):
        row["over"] = whole
    counted = [row | {"over": 64.0} for row in valued("basis_cosine", 0.5, to="another")]
    found = [
        *valued("projection", 1.0, 3.0),
        *valued("transfer_fires", 1.0, 0.0, 0.0, 1.0),
        *ratio,
        *counted,
    ]
    rows = estimates(facts(values=found))
    assert value(rows, "projection") == 2
    assert value(rows, "transfer_fires") == 0.5
    assert value(rows, "sae_explained_variance") == pytest.approx(0.75)
    cosine = only(rows, quantity="basis_cosine")
    assert cosine is not None and (cosine.value, cosine.n, cosine.lower) == (0.5, 64, None)


def test_the_same_facts_give_the_same_estimates_and_one_more_bad_answer_others() -> None:
    said = [*answers("conditions", 8, "trigger"), *answers("conditions", 1, "none")]
    assert estimates(facts(said)) == estimates(facts(said))
    worse = [*answers("conditions", 9, "trigger"), *answers("conditions", 1, "none")]
    assert estimates(facts(worse)) != estimates(facts(said))
