"""One contract run over every probe, then what each of them promises."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from probes.difference_of_means import DifferenceOfMeans
from probes.discriminant import DiscriminantProbe
from probes.erase import ConceptEraser
from probes.logistic import LogisticProbe
from probes.mlp import MLPProbe
from probes.paired import PairedDifference
from probes.ridge import RidgeProbe

PROBES = [
    DifferenceOfMeans(),
    DifferenceOfMeans(whiten=True),
    LogisticProbe(),
    PairedDifference(),
    DiscriminantProbe(),
    RidgeProbe(),
]
every_probe = pytest.mark.parametrize("probe", PROBES, ids=repr)


def two_classes(rows=200, d_model=16, gap=3.0, seed=0):
    generator = np.random.default_rng(seed)
    y = np.arange(rows) % 2 == 1
    X = generator.normal(size=(rows, d_model))
    X[:, 0] += gap * y
    return X, y, np.arange(rows) // 4


@parametrize_with_checks([*PROBES, MLPProbe(), ConceptEraser()])
def test_it_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


@every_probe
def test_it_finds_the_planted_direction_with_its_sign(probe):
    X, y, groups = two_classes()
    vector = clone(probe).fit(X, y, groups).unit_vector
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert vector[0] > 0.9
    assert clone(probe).fit(X, ~y, groups).unit_vector[0] < -0.9
    nothing, _, _ = two_classes(gap=0)
    assert abs(clone(probe).fit(nothing, y, groups).unit_vector[0]) < 0.9  # not there before


@every_probe
def test_tensors_and_arrays_give_the_same_probe(probe):
    X, y, groups = two_classes()
    tensor = torch.tensor(X, requires_grad=True)
    ours = clone(probe).fit(tensor, torch.tensor(y), torch.tensor(groups))
    assert np.array_equal(ours.coef_, clone(probe).fit(X, y, groups).coef_)
    assert np.array_equal(ours.decision_function(tensor), ours.decision_function(X))
    half = torch.tensor(X, dtype=torch.bfloat16)
    assert (ours.predict(half) == y).mean() > 0.8


@every_probe
def test_the_read_out_is_its_weights_in_raw_units(probe):
    X, y, groups = two_classes()
    fitted = clone(probe).fit(X * 50 + 7, y, groups)
    by_hand = (X * 50 + 7) @ fitted.coef_[0] + fitted.intercept_[0]
    assert fitted.decision_function(X * 50 + 7) == pytest.approx(by_hand)
    assert (fitted.predict(X * 50 + 7) == y).mean() > 0.85


def test_a_logistic_probe_does_not_care_about_units():
    X, y, _ = two_classes()
    scales = 10.0 ** (np.arange(16) % 5 - 2)
    ours = LogisticProbe().fit(X, y).decision_function(X)
    assert LogisticProbe().fit(X * scales, y).decision_function(X * scales) == pytest.approx(ours)


def test_whitening_sees_past_one_huge_dimension():
    X, y, _ = two_classes()
    X[:, 5] *= 1000  # as in Gemma's residual stream
    raw = DifferenceOfMeans().fit(X, y)
    whitened = DifferenceOfMeans(whiten=True).fit(X, y)
    assert (raw.predict(X) == y).mean() < 0.7
    assert (whitened.predict(X) == y).mean() > 0.9


def test_pairing_removes_what_the_questions_are_about():
    generator = np.random.default_rng(1)
    topic = np.repeat(generator.random(60) < 0.5, 10)  # a topic in dimension 1 ...
    y = generator.random(600) < np.where(topic, 0.8, 0.2)  # ... where misbehaviour is common
    X = generator.normal(size=(600, 8))
    X[:, 0] += 2 * y
    X[:, 1] += 5 * topic
    groups = np.repeat(np.arange(60), 10)
    plain, paired = (probe.fit(X, y, groups).unit_vector for probe in (PROBES[0], PROBES[3]))
    assert abs(plain[1]) > 0.6 and abs(paired[1]) < 0.15
    assert paired[0] > 0.95


def test_a_paired_difference_without_pairs_is_refused():
    X, y, _ = two_classes()
    with pytest.raises(ValueError, match="2 questions has rows of both"):
        PairedDifference().fit(X, y, y.astype(int))
    with pytest.raises(ValueError, match="3 groups but 200 rows"):
        PairedDifference().fit(X, y, [1, 2, 3])
