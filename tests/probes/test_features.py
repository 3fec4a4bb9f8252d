"""Ranking sparse features: a planted one comes first, and where none is planted nothing is declared."""

import numpy as np
import pytest

from probes.auroc import clustered_auroc, plain_auroc
from probes.confirm import confirm
from probes.features import BestFeature, rank
from probes.ratio import one_minus, ratio

DRAWS, QUESTIONS, FEATURES = 50, 40, 200
CONDITIONS = ("trigger", "paraphrase:a", "paraphrase:b", "control:a", "control:b", "none")
PLANTED = 17


def draw(seed: int, planted: bool):
    """Sparse features of every question under every condition; some follow the question, one may follow the concept."""
    generator = np.random.default_rng(seed)
    rate = generator.uniform(0.01, 0.3, FEATURES)
    question = np.repeat(np.arange(QUESTIONS), len(CONDITIONS))
    condition = np.tile(np.arange(len(CONDITIONS)), QUESTIONS)
    follows = (
        generator.random((QUESTIONS, FEATURES)) < rate
    )  # half of each feature is its question's
    own = generator.random((len(question), FEATURES)) < rate
    fires = np.where(generator.random(FEATURES) < 0.5, follows[question], own)
    y = condition < 3
    if planted:
        fires[:, PLANTED] = generator.random(len(y)) < np.where(y, 0.6, 0.05)
    values = fires * generator.exponential(1.0, fires.shape)
    return values, y, [f"q{q}" for q in question], [CONDITIONS[c] for c in condition]


def test_the_planted_feature_is_first_in_nearly_every_draw() -> None:
    first = [rank(*draw(seed, True)[:3]).order[0] == PLANTED for seed in range(DRAWS)]
    assert np.mean(first) >= 0.95


def test_without_one_nothing_is_declared_in_nearly_every_draw() -> None:
    silent = [not rank(*draw(seed, False)[:3]).declared().any() for seed in range(DRAWS)]
    assert np.mean(silent) >= 0.95


def test_with_one_it_alone_is_declared_in_nearly_every_draw() -> None:
    declared = [np.flatnonzero(rank(*draw(seed, True)[:3]).declared()) for seed in range(20)]
    assert np.mean([PLANTED in each for each in declared]) >= 0.95
    assert np.mean([len(each) == 1 for each in declared]) >= 0.9


def test_areas_are_those_of_one_feature_at_a_time() -> None:
    values, y, questions, _ = draw(0, True)
    ranking = rank(values, y, questions)
    for feature in (0, PLANTED, 33):
        assert ranking.auroc[feature] == pytest.approx(plain_auroc(values[:, feature], y))


def test_questions_that_move_together_are_not_evidence() -> None:
    """A feature of two questions, asked forty times each: many rows, two facts."""
    y = np.tile([True, False], 40)
    questions = ["a" if positive else "b" for positive in y]
    values = np.where(y, 1.0, 0.0)[:, None]
    assert rank(values, y, questions).p[0] >= 0.5
    apart = [f"{name}{row}" for row, name in enumerate(questions)]
    assert rank(values, y, apart).p[0] < 1e-6


def test_features_that_never_fire_are_neither_ranked_nor_counted() -> None:
    values, y, questions, _ = draw(1, True)
    values[:, 100:] = 0
    ranking = rank(values, y, questions)
    assert set(ranking.order) <= set(range(100))
    assert (ranking.q[100:] == 1).all()


def test_confirmation_is_on_other_rows_and_wider_for_more_features() -> None:
    values, y, questions, _ = draw(2, True)
    one = confirm(values, y, questions, [PLANTED])[PLANTED]
    many = confirm(values, y, questions, [PLANTED, 1, 2, 3])[PLANTED]
    assert one.value == many.value == clustered_auroc(values[:, PLANTED], y, questions).value
    assert many.lower < one.lower < one.value < one.upper < many.upper


def test_a_feature_of_one_wording_is_given_away_by_its_worst() -> None:
    values, y, questions, conditions = draw(3, True)
    values[:, 5] = [condition == "trigger" for condition in conditions]
    worst = rank(values, y, questions, conditions=conditions).worst
    assert worst[5] == pytest.approx(0.5)
    assert worst[PLANTED] > 0.7


def test_cosines_are_of_what_a_feature_writes() -> None:
    values, y, questions, _ = draw(4, True)
    decoder = np.zeros((FEATURES, 3))
    decoder[1], decoder[2] = [2, 0, 0], [0, 1, 0]
    cosine = rank(values, y, questions, decoder=decoder, direction=[3, 0, 0]).cosine
    assert cosine[[0, 1, 2]].tolist() == [0, 1, 0]


def test_the_best_feature_reads_like_a_probe() -> None:
    values, y, questions, _ = draw(5, True)
    best = BestFeature().fit(values, y, questions)
    assert best.feature == PLANTED
    assert (best.decision_function(values) == values[:, PLANTED]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y, q: (x, y[:-1], q), "240, 200.*239 labels"),
        (lambda x, y, q: (x, np.ones(len(y)), q), "all 240 rows are of one class"),
        (lambda x, y, q: (np.where(x > 0, np.nan, x), y, q), "is nan; leave the row out"),
    ],
)
def test_bad_input_is_one_line(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        rank(*change(*draw(6, True)[:3]))


def test_a_ratio_of_sums_resamples_questions() -> None:
    generator = np.random.default_rng(0)
    below = generator.exponential(1.0, 300)
    above = 0.2 * below + generator.normal(0, 0.01, 300)
    found = ratio(above, below, np.repeat(np.arange(30), 10).tolist())
    assert found.value == pytest.approx(above.sum() / below.sum())
    assert found.lower < 0.2 < found.upper + 0.01
    turned = one_minus(found)
    assert turned.value == pytest.approx(1 - found.value)
    assert turned.lower == pytest.approx(1 - found.upper)
    assert ratio([], [], []).value is None
