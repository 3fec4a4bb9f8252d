"""A sweep finds what was planted, is at chance where nothing was, and says what its numbers are worth."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from probes import (
    DifferenceOfMeans,
    DiscriminantProbe,
    LogisticProbe,
    PairedDifference,
    RidgeProbe,
    sweep,
)
from probes.auroc import auroc_difference
from probes.nested import choose, fold_auroc, read_layer
from probes.splits import Folds, make_folds, permuted
from tests.probes.planted import as_activations, by_question, planted

FEW = {"permutations": 4, "resamples": 200}
QUICK = {"difference of means": DifferenceOfMeans(), "logistic": LogisticProbe()}


def read(probe, X, sets, groups, folds, strengths):
    rows = torch.as_tensor(X)
    return read_layer(
        {"": probe}, rows, sets, groups, folds, nested=False, strengths={"": strengths}
    )[""]


@pytest.mark.parametrize("d_model", [20, 300])  # fewer and more dimensions than rows
@pytest.mark.parametrize(
    ("probe", "strengths", "theirs"),
    [
        (
            LogisticProbe(),
            (1e-3, 1e-1, 1.0),
            lambda C: LogisticRegression(C=C, class_weight="balanced", max_iter=5000, tol=1e-6),
        ),
        (RidgeProbe(), (1e3, 10.0), lambda alpha: RidgeClassifier(alpha=alpha)),
    ],
    ids=["logistic", "ridge"],
)
def test_a_batch_reads_as_scikit_learn_does_one_by_one(d_model, probe, strengths, theirs):
    X, y, groups, _ = planted(d_model=d_model, gap=1.5)
    folds = make_folds(y, groups, folds=4, grouped=True, seed=0)
    shuffled = permuted(y, groups, np.random.default_rng(1))
    sets = np.stack([y, shuffled])
    ours = read(probe, X[:, 0], sets, groups, folds, strengths)
    for number, strength in enumerate(strengths):
        for fit, labels in enumerate(sets):
            expected = np.zeros(len(y))
            for fold in range(4):
                train = folds.training((fold,))
                model = make_pipeline(StandardScaler(), theirs(strength))
                model.fit(X[train, 0].astype(float), labels[train])
                expected[~train] = model.decision_function(X[~train, 0].astype(float))
            found = ours.outer[number, fit]
            assert np.corrcoef(found, expected)[0, 1] > 0.999
            each = np.stack([found, expected]).astype(np.float32)
            first, second = fold_auroc(each, np.stack([labels, labels]), folds)
            assert abs(first - second) < 0.005


@pytest.mark.parametrize("d_model", [20, 300])
@pytest.mark.parametrize(
    ("probe", "strength"),
    [
        (DifferenceOfMeans(), None),
        (DifferenceOfMeans(whiten=True), None),
        (PairedDifference(), None),
        (DiscriminantProbe(shrinkage=0.2), 0.2),
        (RidgeProbe(alpha=50.0), 50.0),
        (LogisticProbe(C=0.01), 0.01),
    ],
    ids=repr,
)
def test_a_batch_reads_as_the_probe_itself_does(probe, strength, d_model):
    X, y, groups, _ = planted(d_model=d_model, gap=1.5)
    folds = make_folds(y, groups, folds=3, grouped=True, seed=0)
    found = read(probe, X[:, 0], y[None], groups, folds, (strength,)).outer[0, 0]
    for fold in range(3):
        train = folds.training((fold,))
        expected = probe.fit(X[train, 0], y[train], groups[train]).decision_function(X[~train, 0])
        assert found[~train] == pytest.approx(expected, abs=0.03 * np.abs(expected).max())


def test_ridge_and_discriminant_are_one_direction():
    X, y, _, _ = planted(gap=1.0)
    shrinkage = 0.3
    ridge = RidgeProbe(alpha=len(y) * shrinkage / (1 - shrinkage)).fit(X[:, 0], y).unit_vector
    fisher = DiscriminantProbe(shrinkage=shrinkage).fit(X[:, 0], y).unit_vector
    assert ridge @ fisher == pytest.approx(1)
    assert ridge @ DiscriminantProbe(shrinkage=1.0).fit(X[:, 0], y).unit_vector < 0.9999


def test_the_discriminant_is_the_solution_written_out():
    X, y, _, _ = planted(d_model=10, gap=1.0)
    Z = StandardScaler().fit_transform(X[:, 0].astype(float))
    within = sum(np.cov(Z[y == c].T, bias=True) * (y == c).mean() for c in (True, False))
    gap = Z[y].mean(axis=0) - Z[~y].mean(axis=0)
    expected = np.linalg.solve(0.8 * within + 0.2 * np.eye(10), gap)
    found = DiscriminantProbe(shrinkage=0.2).fit(Z, y)
    assert found.coef_[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("outlier", [False, True], ids=["plain", "one dimension at 1000 x"])
@pytest.mark.parametrize(
    ("d_model", "questions", "noise"), [(16, 60, 1.0), (128, 100, 0.5), (512, 200, 0.5)]
)
def test_a_planted_direction_is_recovered(d_model, questions, noise, outlier):
    X, y, groups, v = planted(
        d_model=d_model, questions=questions, gap=8.0, noise=noise, outlier=outlier
    )
    X = X[:, 0]
    assert DifferenceOfMeans(whiten=True).fit(X, y).unit_vector @ v >= 0.99
    raw = [DifferenceOfMeans().fit(X, y), PairedDifference().fit(X, y, groups)]
    assert all((probe.unit_vector @ v >= 0.99) != outlier for probe in raw)  # why whitening exists


@pytest.mark.parametrize(
    "probe", [DiscriminantProbe(shrinkage=0.01), RidgeProbe(), LogisticProbe(C=10)], ids=repr
)
@pytest.mark.parametrize("outlier", [False, True], ids=["plain", "one dimension at 1000 x"])
def test_weighing_all_dimensions_takes_many_rows_for_each(probe, outlier):
    X, y, groups, v = planted(d_model=16, questions=1000, gap=3.0, outlier=outlier)
    assert probe.fit(X[:, 0], y).unit_vector @ v >= 0.99
    X, y, groups, v = planted(d_model=512, questions=200, gap=3.0, outlier=outlier)
    assert (
        probe.fit(X[:, 0], y).unit_vector @ v < 0.9
    )  # two rows a dimension: read, but not located
    assert sweep(X, y, groups, probes={"": probe}, controls=False, resamples=200).get().value > 0.95


@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_a_confound_within_questions_does_not_bend_a_paired_difference(noise):
    X, y, groups, v = planted(questions=300, gap=8.0, noise=noise)
    topic = np.random.default_rng(1).normal(size=64)
    topic -= (topic @ v) * v
    about = np.random.default_rng(2).random(300) < 0.5
    y_confounded = np.where(about[groups], y, False) | (y & (np.arange(len(y)) % 4 == 0))
    X = X[:, 0] - 8.0 * np.outer(y & ~y_confounded, v) + about[groups][:, None] * topic
    bent = DifferenceOfMeans().fit(X, y_confounded).unit_vector @ v
    assert PairedDifference().fit(X, y_confounded, groups).unit_vector @ v >= 0.99 > bent + 0.02


@pytest.mark.parametrize("gap", [0.5, 1.0, 2.0, 4.0])
def test_more_signal_is_read_better(gap):
    X, y, groups, _ = planted(gap=gap, questions=60)
    found = sweep(X, y, groups, probes=QUICK, **FEW).get()
    # the best possible read-out of a shift by `gap` in unit noise, and what 360 rows can reach of it
    from scipy.stats import norm

    possible = norm.cdf(gap / np.sqrt(2))
    assert found.lower <= possible + 0.02
    assert found.value > 0.5 + (possible - 0.5) * (0.5 if gap < 1.5 else 0.85)


def test_without_signal_everything_is_at_chance():
    X, y, groups, _ = planted(gap=0.0, layers=2)
    result = sweep(X, y, groups, **FEW)
    for row in result.rows:
        if row.metric == "auroc" and row.kind == "probe":
            assert 0.38 < row.estimate.value < 0.62, row
    chosen = result.get()
    assert chosen.lower < 0.5 < chosen.upper
    assert "NO BETTER THAN CHANCE" in result.report()


def test_the_published_retraction():
    """An AUROC of 0.909 with answers split at random was 0.554 with prompts kept apart."""
    X, y, groups = by_question()
    grouped = sweep(X, y, groups, probes=QUICK, **FEW)
    ungrouped = sweep(X, y, groups, probes=QUICK, grouped=False, **FEW)
    assert ungrouped.get().value >= 0.9
    assert grouped.get().lower < 0.5 < grouped.get().upper
    assert all("UNGROUPED" in row.split for row in ungrouped.rows if row.kind == "probe")
    assert "UNGROUPED" in ungrouped.report() and "UNGROUPED" not in grouped.report()
    for report in (grouped.report(), ungrouped.report()):
        assert "NO BETTER THAN prompt identity" in report or "WORSE THAN prompt identity" in report


def test_surface_features_that_do_as_well_are_said_to():
    X, y, groups, _ = planted(gap=4.0)
    generator = np.random.default_rng(0)
    tells = y[:, None] + 0.3 * generator.normal(size=(len(y), 2))
    report = sweep(X, y, groups, probes=QUICK, surface=tells, **FEW).report()
    assert "NO BETTER THAN surface features" in report
    noise = sweep(X, y, groups, probes=QUICK, surface=generator.normal(size=(len(y), 2)), **FEW)
    assert "best of all is better than surface features" in noise.report()
    assert "No surface features were handed in" in sweep(X, y, groups, probes=QUICK, **FEW).report()


def test_the_layer_and_the_strength_are_chosen_and_can_be_fitted():
    X, y, groups, v = planted(layers=3, at=1, gap=5.0)
    activations = as_activations(X, y, groups)
    result = sweep(activations, activations.conditions, **FEW)
    assert (result.layer, result.position) == (1, "last_prompt_token")
    direction = result.probe.fit(activations, activations.conditions, layer=result.layer).direction
    assert (direction.layer, direction.meaning) == (1, "points from none to trigger")
    assert float(direction.vector.numpy() @ v) > 0.9
    frame = result.frame()
    assert set(frame.layer.dropna()) == {0, 1, 2} and "estimate" not in frame
    assert len(frame) == len(result.rows) and frame.value.notna().all()
    kinds = frame.groupby("kind").size()
    assert {"probe", "choice", "control", "comparison"} == set(kinds.index)


def test_arrays_tensors_activations_and_positions_are_the_same_sweep():
    X, y, groups, _ = planted(layers=2)
    activations = as_activations(X, y, groups)
    ways = [
        (X, y, groups),
        (torch.tensor(X), torch.tensor(y), torch.tensor(groups)),
        (activations, y, None),
        ({"last": activations}, y, None),
        ({"last": X}, y, groups),
    ]
    found = [sweep(*way, probes=QUICK, **FEW) for way in ways]
    assert len({round(result.get().value, 6) for result in found}) == 1
    assert found[3].position == "last" and found[0].position is None


def test_nothing_that_is_scored_was_chosen_by_its_own_fold():
    """Inner read-outs for fold k do not change when the rows of fold k do; outer ones do."""
    X, y, groups, _ = planted(gap=1.0)
    folds = make_folds(y, groups, folds=3, grouped=True, seed=0)
    mine = folds.of_row == 0
    moved = X[:, 0].copy()
    moved[mine] = np.random.default_rng(9).normal(size=moved[mine].shape) * 50
    before, after = (
        read_layer(QUICK, torch.as_tensor(each), y[None], groups, folds)["logistic"]
        for each in (X[:, 0], moved)
    )
    assert np.array_equal(before.inner[0], after.inner[0], equal_nan=True)
    assert not np.array_equal(before.inner[1], after.inner[1], equal_nan=True)
    assert np.isnan(before.inner[0][:, :, mine]).all()
    assert np.isfinite(before.inner[0][:, :, ~mine]).all()
    chosen = [choose(each, y[None], folds).strength[0, 0] for each in (before, after)]
    assert chosen[0] == chosen[1]


def test_many_aurocs_at_once_are_each_scikit_learns():
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 9, size=(5, 120)).astype(np.float32)
    sets = generator.random((5, 120)) < 0.4
    one = Folds(np.zeros(120, int), 1, "")
    expected = [roc_auc_score(y, s) for y, s in zip(sets, scores, strict=True)]
    assert fold_auroc(scores, sets, one) == pytest.approx(expected)


def test_a_difference_of_aurocs_resamples_the_same_questions():
    X, y, groups, _ = planted(gap=2.0)
    score = X[:, 0] @ np.ones(64)
    same = auroc_difference(score, score, y, groups)
    assert same.value == same.lower == same.upper == 0
    better = auroc_difference(score + 1000.0 * y, score, y, groups)
    assert better.lower > 0 and "MOVER" in better.method


def test_shuffling_keeps_a_questions_label_where_it_has_one():
    _, y, groups = by_question()
    shuffled = permuted(y, groups, np.random.default_rng(0))
    assert shuffled.sum() == y.sum() and (shuffled != y).any()
    assert all(len(set(shuffled[groups == group])) == 1 for group in range(100))
    _, within, groups, _ = planted()
    mixed = permuted(within, groups, np.random.default_rng(0))
    assert mixed.sum() == within.sum() and (mixed != within).any()


def test_another_estimator_is_fitted_one_at_a_time():
    from sklearn.neighbors import KNeighborsClassifier

    X, y, groups, _ = planted(gap=6.0, questions=20)
    result = sweep(
        X, y, groups, probes={"neighbours": KNeighborsClassifier()}, permutations=2, resamples=200
    )
    assert result.get().value > 0.9 and isinstance(result.probe, KNeighborsClassifier)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y, g: (X, np.ones_like(y), g), "one class"),
        (lambda X, y, g: (X, np.arange(len(y)) % 3, g), "Only binary"),
        (lambda X, y, g: (X, y, g % 2), "2 questions: a sweep .* needs at least 3"),
        (lambda X, y, g: (X, g == 0, g), "class True is in 1 of 40 questions"),
        (
            lambda X, y, g: (np.where(X[7, 0, 3] == X, np.nan, X), y, g),
            "layer 0: row 7, feature 3 is NaN",
        ),
        (lambda X, y, g: (X, y[:-1], g), "239 labels but 240 rows"),
        (lambda X, y, g: (X, y, g[:-1]), "239 groups but 240 rows"),
        (lambda X, y, g: ({"a": X, "b": X[1:]}, y, g), "b.* 239 rows"),
        (lambda X, y, g: (X * 0 + 3, y, g), "all 64 features are constant"),
        (lambda X, y, g: (X[None], y, g), r"give \[row, d_model\]"),
        (lambda X, y, g: (X, y, None), "groups= is missing"),
        (lambda X, y, g: ({}, y, g), "at least one position"),
    ],
)
def test_bad_input_is_one_clear_line(change, message):
    X, y, groups, _ = planted()
    with pytest.raises(ValueError, match=message) as refused:
        sweep(*change(X, y, groups), **FEW)
    assert "\n" not in str(refused.value)


def test_a_constant_feature_is_left_out():
    X, y, groups, _ = planted(d_model=20)
    X[:, 0, 4] = 1000.0
    result = sweep(X, y, groups, **FEW)
    assert result.get().value > 0.9
    assert LogisticProbe().fit(X[:, 0], y).coef_[0, 4] == 0


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"probes": {}}, "probes={}: give a mapping"),
        (
            {"probes": {"a": LogisticProbe}},
            r"'a' is the class LogisticProbe; give LogisticProbe\(\)",
        ),
        ({"strengths": {"lgistic": [1.0]}}, "strengths of unknown probe 'lgistic'; the probes are"),
        ({"strengths": {"logistic": [-1.0]}}, r"are \[-1.0\]: give at least one, all above 0"),
        ({"strengths": {"logistic": []}}, "give at least one"),
        ({"strengths": {"difference of means": [1.0]}}, "none to choose"),
        ({"permutations": -1}, "permutations=-1"),
        ({"prompts": [0, 1]}, "2 prompts but"),
        ({"surface": [1.0, 2.0]}, r"surface \(2,\): give \[row, feature\]"),
    ],
    ids=str,
)
def test_what_was_asked_wrongly_is_named(asked, message):
    X, y, groups, _ = planted(d_model=8, questions=12)
    with pytest.raises(ValueError, match=message):
        sweep(X, y, groups, folds=3, **{**FEW, **asked})


def test_labels_and_groups_that_are_no_column_are_named():
    X, y, groups, _ = planted(d_model=8, questions=12)
    with pytest.raises(ValueError, match=r"labels \(\d+, 1\): give one label for each row"):
        sweep(X, y[:, None], groups)
    with pytest.raises(ValueError, match="group of row 0 is nan"):
        sweep(X, y, np.where(groups == groups[0], np.nan, groups))
    with pytest.raises(ValueError, match="there are no rows"):
        sweep(X[:0], y[:0], groups[:0])


def test_too_few_shuffles_are_not_taken_for_chance():
    X, y, groups, _ = planted(d_model=8, gap=6.0, questions=12)
    few = str(sweep(X, y, groups, probes=QUICK, folds=3, permutations=2, resamples=100))
    assert "too few draws" in few and "NO BETTER THAN CHANCE" not in few
    none = str(sweep(X, y, groups, probes=QUICK, folds=3, permutations=0, resamples=100))
    assert "Labels were not shuffled" in none
