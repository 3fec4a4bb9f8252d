"""AUROCs with their intervals, and controls: each is at chance where it should be, and only there."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from probes.auroc import clustered_auroc, plain_auroc
from probes.controls import prompt_identity_scores, random_directions_auroc
from probes.names import is_control

QUESTIONS = np.repeat(np.arange(40), 6)


def planted(gap=1.5, d_model=12, seed=0):
    """Rows whose class moves dimension 0; the class varies within questions."""
    generator = np.random.default_rng(seed)
    y = generator.random(240) < 0.4
    X = generator.normal(size=(240, d_model))
    X[:, 0] += gap * y
    return X, y


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


def test_random_directions_read_little_and_the_planted_one_all():
    X, y = planted(gap=3, d_model=64)
    assert 0.5 <= random_directions_auroc(X, y, QUESTIONS).value < 0.7
    assert random_directions_auroc(X, y, QUESTIONS, vectors=np.eye(64)[:1]).value > 0.9


def test_prompt_identity_is_a_ceiling_only_where_prompts_decide():
    by_prompt = (np.random.default_rng(0).random(40) < 0.5)[QUESTIONS]
    _, within = planted()
    assert plain_auroc(prompt_identity_scores(by_prompt, QUESTIONS), by_prompt) == 1
    chance = clustered_auroc(prompt_identity_scores(within, QUESTIONS), within, QUESTIONS)
    assert chance.lower < 0.5 < chance.upper


def test_a_control_is_known_by_its_source():
    assert is_control("logistic, shuffled labels") and is_control("surface features: length")
    assert not is_control("logistic") and not is_control(None)
