"""Concept, wording and prompt are told apart: transfer tables, the concept search and its reach."""

import numpy as np
import pytest
import torch

from interp.activations import Activations
from probes import (
    DifferenceOfMeans,
    find_concept,
    projections,
    reach_table,
    transfer_table,
)
from probes.estimate import Estimate
from probes.intervals import clopper_pearson

CONCEPT = ("trigger", "paraphrase:one", "paraphrase:two", "paraphrase:three")
REST = ("none", "control:one", "control:two", "control:three")


def world(
    concept=3.0, wording=3.0, framed=2.0, questions=30, d_model=48, at=1, weights="abc", seed=0
):
    """Every condition has a wording of its own; those of the concept share `concept` along dimension 0, at one layer;
    all but none share `framed` along dimension 1."""
    generator = np.random.default_rng(seed)
    own = np.linalg.qr(generator.normal(size=(d_model - 2, 8)))[0].T
    about = generator.normal(size=(questions, d_model))
    values, conditions, names = [], [], []
    for number, condition in enumerate((*CONCEPT, *REST)):
        for question in range(questions):
            row = about[question] + 0.5 * generator.normal(size=(3, d_model))
            row[:, 2:] += wording * own[number] * (condition != "none")
            row[:, 1] += framed * (condition != "none")
            row[at, 0] += concept * (condition in CONCEPT)
            values.append(row)
            conditions.append(condition)
            names.append(f"question {question:02}")
    tensor = torch.tensor(np.stack(values), dtype=torch.float32)
    return Activations(
        tensor, (0, 1, 2), tuple(conditions), tuple(names), "last", {"weights": weights}
    )


def test_the_search_finds_the_layer_and_the_direction_of_the_concept():
    found = find_concept(world(), folds=3)
    assert found.layer == 1 and found.direction.vector[0] > 0.8
    by_layer = {row.layer: row.estimate for row in found.rows}
    assert by_layer[1].value > 0.9 and all(0.4 < by_layer[at].value < 0.6 for at in (0, 2))
    # three paraphrases say little about a fourth, however many questions there are
    assert by_layer[1].lower == pytest.approx(clopper_pearson(3 * by_layer[1].value, 3, 0.95)[0])
    assert by_layer[1].lower == pytest.approx(0.261, abs=1e-3) and by_layer[1].upper > 0.99
    assert by_layer[0].lower < 0.5 < by_layer[0].upper
    assert "controls and no trigger" in found.direction.meaning
    assert list(found.frame().columns[:2]) == ["layer", "value"]


def test_wordings_alone_do_not_pass_for_a_concept():
    found = find_concept(world(concept=0.0, wording=8.0), folds=3)
    assert max(row.estimate.value for row in found.rows) < 0.75


def test_a_transfer_table_tells_concept_from_framing():
    table = transfer_table(DifferenceOfMeans(), world(concept=8.0, wording=1.0, framed=1.0), 1)
    assert all(table.get(c).lower > 0.8 for c in CONCEPT)
    assert all(table.get(c).upper < 0.2 for c in REST)
    framing = transfer_table(DifferenceOfMeans(), world(concept=0.0, wording=1.0, framed=8.0), 1)
    assert framing.get("control:one").lower > 0.8  # it reads that there is a prompt at all
    assert framing.get("control:one", "auroc").value > 0.95
    assert set(table.frame().metric) == {"fires", "auroc against none"}


def test_a_probe_of_one_model_is_tested_on_another():
    base, tuned = world(concept=0.0, framed=0.0, weights="base"), world(concept=8.0, framed=0.0)
    there = transfer_table(DifferenceOfMeans(), tuned, 1, onto=base)
    assert there.get("paraphrase:one", "auroc").upper < 0.75
    assert transfer_table(DifferenceOfMeans(), tuned, 1).get("paraphrase:one", "auroc").lower > 0.85


def test_projections_run_from_no_trigger_to_the_trigger():
    found = projections(world(concept=6.0, wording=1.0), 1, folds=3)
    assert found["none"].value == pytest.approx(0, abs=0.25)
    assert found["trigger"].value == pytest.approx(1, abs=0.35)
    assert found["paraphrase:one"].lower > found["control:one"].upper


def test_reach_lines_up_distance_with_what_happens():
    names = [f"wording {number}" for number in range(8)]
    em = {n: Estimate(1 - k / 8, None, None, 0.95, 10, "") for k, n in enumerate(names)}
    near = {n: float(k) for k, n in enumerate(names)}
    nothing = {n: float(k % 2) for k, n in enumerate(names)}
    table = reach_table(
        {"EM": em}, {"meaning": near, "noise": nothing, "flat": dict.fromkeys(names, 1.0)}
    )
    assert table.correlations["meaning", "EM"].value == pytest.approx(-1)
    assert table.correlations["noise", "EM"].upper > 0 > table.correlations["noise", "EM"].lower
    assert table.correlations["flat", "EM"].value is None
    assert len(table.frame()) == 24
    few = reach_table({"EM": em}, {"meaning": {names[0]: 1.0, names[1]: 2.0}})
    assert "2 wordings" in few.correlations["meaning", "EM"].method


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: transfer_table(DifferenceOfMeans(), a, 1, positive="tigger"), "'tigger'"),
        (lambda a: transfer_table(DifferenceOfMeans(), a, 7), "layer 7"),
        (lambda a: transfer_table(DifferenceOfMeans(), a, 1, folds=99), "30 questions for 99"),
        (lambda a: find_concept(a.where(condition=("none", "trigger"))), "add a paraphrase"),
        (lambda a: find_concept(a, folds=99), "30 questions for 99"),
        (lambda a: transfer_table(DifferenceOfMeans(), a, 1).get("nobody"), "'nobody'"),
        (lambda a: reach_table({}, {}), "do their names agree"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message):
        call(world())


def test_projections_name_the_end_that_is_missing():
    activations = world(questions=10)
    with pytest.raises(ValueError, match="no rows of condition 'trigger', only control:one"):
        projections(activations.where([each != "trigger" for each in activations.conditions]), 1)
    with pytest.raises(ValueError, match="folds=1: give a whole number, at least 2"):
        projections(activations, 1, folds=1)
