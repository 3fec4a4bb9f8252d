"""AUROC with an interval that resamples questions.

Method:
1. AUROC = the share of (positive, negative) pairs that the score puts in the right order; a tie
   counts half.
2. Only rows scored by the same probe (the same fold) are compared: scores of two fits have no
   common scale.
3. Pairs are counted once per pair of questions; a resample of questions is then w' A w / w' B w,
   and two thousand of them are one matrix product.
4. A score that ranks everything right (or wrong) gets a Clopper-Pearson interval over the questions
   of the rarer class: resampling could only say [1, 1].

What it does not know: whether the layer or probe was chosen because of this number.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from probes.base import as_array
from probes.estimate import LEVEL, RESAMPLES, Estimate, undefined
from probes.groups import group_codes
from probes.intervals import clopper_pearson, mover_sum
from probes.resampling import Clusters, Weights, bootstrap

Pairs = Float[np.ndarray, "question question"]


def clustered_auroc(
    scores: Any,
    y: Any,
    questions: Iterable[Hashable],
    *,
    folds: Any = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """How well scores rank positive above negative rows; n counts rows."""
    scores, y = np.asarray(as_array(scores), float), np.asarray(as_array(y)).astype(bool)
    codes, _ = group_codes(questions)
    right, pairs = _checked_pairs(scores, y, codes, folds)
    if pairs.sum() == 0:
        return undefined("no pair of a positive and a negative row", level, len(y))
    value, method = float(right.sum() / pairs.sum()), "AUROC within folds, "
    if value in (0.0, 1.0):
        rarer = min(len(np.unique(codes[y])), len(np.unique(codes[~y])))
        lower, upper = clopper_pearson(value * rarer, rarer, level)
        method += f"Clopper-Pearson, n = {rarer} questions"
        return Estimate(value, lower, upper, level, len(y), method)

    def auroc(weights: Weights) -> Float[np.ndarray, " resample"]:
        with np.errstate(invalid="ignore"):
            return _form(weights, right) / _form(weights, pairs)

    found = _resampled(auroc, len(right), level, resamples, seed) or (0.0, 1.0)
    method += f"question bootstrap, {resamples} resamples"
    lower, upper = min(found[0], value), max(found[1], value)
    return Estimate(value, lower, upper, level, len(y), method)


def auroc_difference(
    a: Any,
    b: Any,
    y: Any,
    questions: Iterable[Hashable],
    *,
    folds_a: Any = None,
    folds_b: Any = None,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """AUROC of scores a minus AUROC of scores b on the same rows; the same questions are resampled for both."""
    y, codes = np.asarray(as_array(y)).astype(bool), group_codes(questions)[0]
    sides = [
        _checked_pairs(np.asarray(as_array(scores), float), y, codes, folds)
        for scores, folds in ((a, folds_a), (b, folds_b))
    ]
    if any(pairs.sum() == 0 for _, pairs in sides):
        return undefined("no pair of a positive and a negative row", level, len(y))
    first, second = (float(right.sum() / pairs.sum()) for right, pairs in sides)
    if {first, second} & {0.0, 1.0}:  # resampling cannot judge a perfect ranking
        parts = []
        for scores, folds, sign in ((a, folds_a, 1), (b, folds_b, -1)):
            it = clustered_auroc(
                scores, y, codes, folds=folds, level=level, resamples=resamples, seed=seed
            )
            parts.append((float(it.value or 0), (float(it.lower or 0), float(it.upper or 0)), sign))
        lower, upper = mover_sum(parts)
        return Estimate(first - second, lower, upper, level, len(y), "AUROC difference, MOVER")

    def gap(weights: Weights) -> Float[np.ndarray, " resample"]:
        with np.errstate(invalid="ignore"):
            left, right = (_form(weights, won) / _form(weights, met) for won, met in sides)
        return left - right

    lower, upper = _resampled(gap, len(sides[0][0]), level, resamples, seed) or (-1.0, 1.0)
    value, method = (
        first - second,
        f"AUROC difference, question bootstrap, {resamples} resamples, paired",
    )
    return Estimate(value, min(lower, value), max(upper, value), level, len(y), method)


def _resampled(
    statistic: Callable[[Weights], np.ndarray],
    questions: int,
    level: float,
    resamples: int,
    seed: int,
) -> tuple[float, float] | None:
    cell = Clusters(np.ones(questions), np.ones(questions))
    return bootstrap(statistic, [cell], level=level, resamples=resamples, seed=seed)


def _checked_pairs(
    scores: np.ndarray, y: np.ndarray, codes: np.ndarray, folds: Any
) -> tuple[Pairs, Pairs]:
    fold = np.zeros(len(y), int) if folds is None else np.asarray(folds)
    if not len(scores) == len(y) == len(codes) == len(fold):
        counts = f"{len(scores)} scores, {len(y)} labels, {len(codes)} questions"
        raise ValueError(f"{counts}: give one of each for every row")
    return _pairs(scores, y, codes, fold, int(codes.max(initial=-1)) + 1)


def _form(weights: Weights, matrix: Pairs) -> Float[np.ndarray, " resample"]:
    return np.einsum("rq,rq->r", weights @ matrix, weights)


def _pairs(
    scores: np.ndarray, y: np.ndarray, codes: np.ndarray, folds: np.ndarray, questions: int
) -> tuple[Pairs, Pairs]:
    """Right pairs and all pairs, by (question of the positive row, of the negative row)."""
    right, pairs = np.zeros((2, questions, questions))
    member = np.eye(questions)
    for fold in np.unique(folds):
        positive, negative = (folds == fold) & y, (folds == fold) & ~y
        order = np.flatnonzero(negative)[np.argsort(scores[negative])]
        # below[k]: how many of the k lowest negative rows belong to each question
        below = np.vstack([np.zeros(questions), np.cumsum(member[codes[order]], axis=0)])
        worse = np.searchsorted(scores[order], scores[positive], "left")
        not_better = np.searchsorted(scores[order], scores[positive], "right")
        won = (below[worse] + below[not_better]) / 2  # a tie counts half
        right += member[codes[positive]].T @ won
        pairs += np.outer(member[codes[positive]].sum(axis=0), below[-1])
    return right, pairs


def plain_auroc(scores: Any, y: Any) -> float | None:
    """AUROC without an interval, for nulls that are repeated; None without a pair."""
    scores, y = np.asarray(as_array(scores), float), np.asarray(as_array(y)).astype(bool)
    positive, negative = int(y.sum()), int((~y).sum())
    if positive == 0 or negative == 0:
        return None
    ranks = rankdata(scores)[y].sum() - positive * (positive + 1) / 2
    return float(ranks / (positive * negative))
