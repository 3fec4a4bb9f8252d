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
from tests.probes.planted import as_activations

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


def one_line(message):
    """A refusal in one line that says this."""
    return pytest.raises(ValueError, match=rf"\A[^\n]*{message}[^\n]*\Z")


@pytest.mark.parametrize(
    "probe", [*PROBES, MLPProbe(width=2, max_iter=5), ConceptEraser()], ids=repr
)
@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_a_value_that_is_not_finite_is_named_by_place_row_and_feature(probe, value, name):
    X, y, groups = two_classes(rows=40, d_model=4)
    broken = X.copy()
    broken[7, 3] = broken[9, 0] = value
    told = rf"row 7, feature 3 is {name} \(of 40 rows 2 hold such values\); drop the row or capture"
    fitted = clone(probe).fit(X, y)
    reads = [getattr(fitted, each, None) for each in ("decision_function", "predict", "transform")]
    with one_line(f"X: {told}"):
        clone(probe).fit(broken, y)
    for read in filter(None, reads):
        with one_line(f"X: {told}"):
            read(broken)
    mine, theirs = (
        as_activations(np.stack([X, each], axis=1).astype(np.float32), y, groups)
        for each in (X, broken)
    )
    with one_line(f"layer 1, last_prompt_token: {told}"):
        clone(probe).fit(theirs, y, layer=1)
    assert clone(probe).fit(theirs, y, layer=0).site_.layer == 0  # the other layer is whole
    with one_line(f"layer 1, last_prompt_token: {told}"):
        read = clone(probe).fit(mine, y, layer=1)
        getattr(read, "decision_function", getattr(read, "transform", None))(theirs)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1] * 4, r"8 labels but 6 rows: give each row its label"),
        (np.zeros((6, 2)), r"labels \(6, 2\): give one label for each row"),
        ([[0], [0, 1]] * 3, "labels are lists of unequal length; give one label"),
        ([1] * 6, "y holds one class: 1, in all 6 rows"),
        (["a"] * 6, "y holds one class: a, in all 6 rows"),
        ([0, 1, 2] * 2, "3 classes, 0, 1, 2; keep the rows of two"),
        (
            [0.1, 0.9] * 3,
            r"Unknown label type: 0.1, 0.9, 0.1 \.\.\. of type float64 are not classes",
        ),
        ([0, 1, np.nan] * 2, "the label of row 2 is NaN; give it a class or drop the row"),
        ([0, np.inf, 1] * 2, "the label of row 1 is inf"),
        (["a", None, "b"] * 2, "the label of row 1 is None"),
        (None, "the target y is None: give one label for each row"),
    ],
    ids=repr,
)
def test_labels_that_cannot_be_used_are_named_with_the_mend(labels, message):
    X = np.random.default_rng(0).normal(size=(6, 3))
    with one_line(message):
        DifferenceOfMeans().fit(X, labels)


def test_an_eraser_names_one_class_and_takes_three():
    X = np.random.default_rng(0).normal(size=(60, 3))
    with one_line("nothing to erase: y holds one class, a, in all 60 rows"):
        ConceptEraser().fit(X, ["a"] * 60)
    with one_line("59 labels but 60 rows"):
        ConceptEraser().fit(X, ["a"] * 59)
    assert len(ConceptEraser().fit(X, ["a", "b", "c"] * 20).classes_) == 3
