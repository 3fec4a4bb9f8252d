"""Held-out read-outs and their controls: each is at chance where it should be, and only there."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from probes.auroc import clustered_auroc, plain_auroc
from probes.base import LinearProbe
from probes.controls import (
    memorised_auroc,
    prompt_identity_auroc,
    random_directions_auroc,
    selectivity,
    shuffled_labels_auroc,
)
from probes.crossval import grouped_auroc, held_out_auroc, held_out_scores
from probes.difference_of_means import DifferenceOfMeans
from probes.logistic import LogisticProbe
from probes.names import is_control

QUESTIONS = np.repeat(np.arange(40), 6)


def planted(gap=1.5, d_model=12, seed=0):
    """Rows whose class moves dimension 0; the class varies within questions."""
    generator = np.random.default_rng(seed)
    y = generator.random(240) < 0.4
    X = generator.normal(size=(240, d_model))
    X[:, 0] += gap * y
    return X, y


def by_question(seed=0, d_model=64):
    """Rows that only say which question they answer; the label belongs to the question."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(40, d_model))[QUESTIONS] + 0.1 * generator.normal(
        size=(240, d_model)
    )
    return X, (generator.random(40) < 0.5)[QUESTIONS]


def test_auroc_agrees_with_scikit_learn_also_with_ties():
    generator = np.random.default_rng(0)
    for scores in (generator.normal(size=240), generator.integers(0, 4, size=240)):
        y = generator.random(240) < 0.3
        ours = clustered_auroc(scores, y, QUESTIONS)
        assert ours.value == pytest.approx(roc_auc_score(y, scores))
        assert plain_auroc(scores, y) == pytest.approx(ours.value)
        assert ours.lower < ours.value < ours.upper


def test_scores_of_different_folds_are_never_compared():
    y, scores = np.array([0, 1, 0, 1] * 10), np.array([0, 1, 10, 11] * 10)
    folds = np.array([0, 0, 1, 1] * 10)
    assert clustered_auroc(scores, y, np.arange(40), folds=folds).value == 1
    assert clustered_auroc(scores, y, np.arange(40)).value == 0.75


def test_a_perfect_ranking_is_not_certain():
    y = np.arange(240) % 2
    perfect = clustered_auroc(y, y, QUESTIONS)
    assert perfect.value == perfect.upper == 1
    assert 0.9 < perfect.lower < 0.95  # 0.025 ** (1 / 40)


def test_auroc_intervals_cover_clustered_scores():
    generator, covered = np.random.default_rng(1), 0
    for _ in range(150):
        y = generator.random(240) < 0.4
        shift = np.repeat(generator.normal(size=40), 6)  # a question moves all its scores
        scores = generator.normal(size=240) + shift + y * 1.0
        estimate = clustered_auroc(scores, y, QUESTIONS)
        covered += estimate.lower <= 0.6914 <= estimate.upper  # Phi(1 / sqrt(2 * 2))
    assert covered / 150 >= 0.9


def test_grouping_undoes_what_knowing_the_question_buys():
    X, y = by_question()
    grouped = grouped_auroc(LogisticProbe(), X, y, QUESTIONS)
    row_by_row = grouped_auroc(LogisticProbe(), X, y, np.arange(240))
    assert row_by_row.value > 0.95  # the published mistake
    assert grouped.lower < 0.5 < grouped.upper


def test_no_row_is_scored_by_a_probe_that_saw_its_question():
    X, y = planted()
    X[:, -1] = QUESTIONS
    fitted_on = []

    class Spy(LinearProbe):
        def _weights(self, X, y, groups):
            fitted_on.append(set(X[:, -1]))
            return np.ones(X.shape[1]), 0.0

    held_out = held_out_scores(Spy(), X, y, QUESTIONS, folds=4)
    assert len(fitted_on) == 4 and set(held_out.folds) == {0, 1, 2, 3}
    for fold, seen in enumerate(fitted_on):
        tested = set(QUESTIONS[held_out.folds == fold])
        assert len(tested) == 10 and not tested & seen


def test_the_quick_value_is_the_value_of_the_estimate():
    X, y = planted()
    quick = held_out_auroc(DifferenceOfMeans(), X, y, QUESTIONS, seed=3)
    assert quick == pytest.approx(grouped_auroc(DifferenceOfMeans(), X, y, QUESTIONS, seed=3).value)


def test_one_class_is_undefined_and_not_a_crash():
    X, _ = planted()
    assert grouped_auroc(DifferenceOfMeans(), X, np.zeros(240), QUESTIONS).value is None


def test_shuffled_labels_are_at_chance_and_true_labels_are_not():
    X, y = planted()
    shuffled = shuffled_labels_auroc(DifferenceOfMeans(), X, y, QUESTIONS)
    assert shuffled.lower < 0.5 < shuffled.upper < 0.65
    assert grouped_auroc(DifferenceOfMeans(), X, y, QUESTIONS).lower > 0.7


def test_random_directions_read_little_and_the_planted_one_all():
    X, y = planted(gap=3, d_model=64)
    assert 0.5 <= random_directions_auroc(X, y, QUESTIONS).value < 0.7
    assert random_directions_auroc(X, y, QUESTIONS, vectors=np.eye(64)[:1]).value > 0.9


def test_prompt_identity_is_a_ceiling_only_where_prompts_decide():
    _, by_prompt = by_question()
    _, within = planted()
    assert prompt_identity_auroc(by_prompt, QUESTIONS, QUESTIONS).value == 1
    chance = prompt_identity_auroc(within, QUESTIONS, QUESTIONS)
    assert chance.lower < 0.5 < chance.upper


def test_selectivity_tells_a_feature_from_learning_by_heart():
    feature, y = planted(gap=3)
    assert memorised_auroc(DifferenceOfMeans(), feature, QUESTIONS).value < 0.65
    assert selectivity(DifferenceOfMeans(), feature, y, QUESTIONS).lower > 0.2
    prompts, labels = by_question()
    assert memorised_auroc(LogisticProbe(), prompts, QUESTIONS).value > 0.95
    assert selectivity(LogisticProbe(), prompts, labels, QUESTIONS).value < 0


def test_a_control_is_known_by_its_source():
    assert is_control("logistic, shuffled labels") and is_control("surface features: length")
    assert not is_control("logistic") and not is_control(None)
