"""AUROC with an interval over the questions, and over the wordings, that its rows belong to.

Method:
1. AUROC = the share of (positive, negative) pairs that the score puts in the right order; a tie
   counts half.
2. Only rows scored by the same probe (the same fold) are compared: scores of two fits have no
   common scale.
3. Pairs are counted once per pair of units (questions, or wordings). The influence of a unit is what its pairs
   add to the AUROC; the spread of the influences is its variance (Obuchowski 1997, DeLong's method for clusters).
   Units with rows of one class only are a stratum of their own, with Satterthwaite's degrees of freedom;
   Student's t on the logit, so that the interval stays within [0, 1].
4. Fewer than ten units on the rarer side with a wrong (or a right) pair: Clopper-Pearson at the effective number
   of units, at most those of the rarer class; a perfect ranking of three wordings says little about a fourth.
5. If each wording has rows of one class only, the number should generalise to new wordings: give `wordings`,
   and the interval is the wider of the two.

The interval does not account for a layer or probe that was chosen because of this number.
"""

import math
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import scipy
from jaxtyping import Float

from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.cells import FEW_QUESTIONS
from probes.estimate import LEVEL, Estimate, undefined
from probes.groups import group_codes
from probes.intervals import Interval, clopper_pearson, mover_sum, student, wider
from probes.linear import stratified_variance

Pairs = Float[np.ndarray, "unit unit"]


def clustered_auroc(
    scores: Any,
    y: Any,
    questions: Iterable[Hashable],
    *,
    wordings: Iterable[Hashable] | None = None,
    folds: Any = None,
    level: float = LEVEL,
) -> Estimate:
    """How well scores rank positive above negative rows; n counts rows."""
    scores, y = np.asarray(as_array(scores), float), np.asarray(as_array(y)).astype(bool)
    codes = group_codes(questions)[0]
    right, pairs = _checked_pairs(scores, y, codes, folds)
    if pairs.sum() == 0:
        return undefined("no pair of a positive and a negative row", level, len(y))
    value = float(right.sum() / pairs.sum())
    interval, method = _interval(right, pairs, level, "questions")
    if wordings is not None:
        codes = group_codes(wordings)[0]
        others, how = _interval(*_checked_pairs(scores, y, codes, folds), level, "wordings")
        interval, method = wider(interval, others), f"{method}, or {how} where wider"
    lower, upper = min(interval[0], value), max(interval[1], value)
    return Estimate(value, lower, upper, level, len(y), f"AUROC within folds, {method}")


def auroc_difference(
    a: Any,
    b: Any,
    y: Any,
    questions: Iterable[Hashable],
    *,
    folds_a: Any = None,
    folds_b: Any = None,
    level: float = LEVEL,
) -> Estimate:
    """AUROC of scores a minus AUROC of scores b on the same rows, paired over their questions."""
    y, codes = np.asarray(as_array(y)).astype(bool), group_codes(questions)[0]
    sides = [
        _checked_pairs(np.asarray(as_array(scores), float), y, codes, folds)
        for scores, folds in ((a, folds_a), (b, folds_b))
    ]
    if any(pairs.sum() == 0 for _, pairs in sides):
        return undefined("no pair of a positive and a negative row", level, len(y))
    first, second = (float(right.sum() / pairs.sum()) for right, pairs in sides)
    if any(_few_errors(*side) for side in sides):  # the spread of so few errors is meaningless
        parts = [
            (value, _interval(*side, level, "questions")[0], sign)
            for value, side, sign in zip((first, second), sides, (1, -1), strict=True)
        ]
        bounds, method = mover_sum(parts), "AUROC difference, MOVER from both intervals"
    else:
        influence = _influence(*sides[0]) - _influence(*sides[1])
        variance, freedom = stratified_variance(influence, _strata(sides[0][1]))
        reach = student(level, freedom) * math.sqrt(variance) if freedom else 2.0
        bounds = (first - second - reach, first - second + reach)
        method = "AUROC difference, Student's t over questions, paired"
    lower, upper = max(-1.0, bounds[0]), min(1.0, bounds[1])
    return Estimate(first - second, lower, upper, level, len(y), method)


def _interval(right: Pairs, pairs: Pairs, level: float, units: str) -> tuple[Interval, str]:
    """The interval of an AUROC over its units, and how it was made."""
    value, strata = right.sum() / pairs.sum(), _strata(pairs)
    positive, negative = (int((pairs.sum(axis=axis) > 0).sum()) for axis in (1, 0))
    rarer = min(positive, negative)
    variance, freedom = stratified_variance(_influence(right, pairs), strata)
    if _few_errors(right, pairs) or freedom == 0 or variance == 0:
        size = float(rarer)
        if 0 < variance < math.inf:
            size = max(1.0, min(size, value * (1 - value) / variance))
        return clopper_pearson(
            value * size, size, level
        ), f"Clopper-Pearson, n = {size:.3g} {units}"
    reach = student(level, freedom) * math.sqrt(variance) / (value * (1 - value))
    middle = scipy.special.logit(value)
    lower, upper = (float(scipy.special.expit(middle + side)) for side in (-reach, reach))
    return (lower, upper), f"Student's t over {positive} + {negative} {units}"


def _influence(right: Pairs, pairs: Pairs) -> Float[np.ndarray, " unit"]:
    """What the pairs of each unit add to the AUROC, linearised; the influences sum to 0."""
    value = right.sum() / pairs.sum()
    excess = right - value * pairs
    return np.asarray((excess.sum(axis=0) + excess.sum(axis=1)) / pairs.sum())


def _strata(pairs: Pairs) -> np.ndarray:
    """0: units with negative rows only; 1: with positive rows only; 2: with both."""
    return np.where(pairs.sum(axis=1) > 0, np.where(pairs.sum(axis=0) > 0, 2, 1), 0)


def _few_errors(right: Pairs, pairs: Pairs) -> bool:
    """Whether too few units have a pair in the rarer order for their spread to say anything."""
    wrong = min((right, pairs - right), key=lambda kind: float(kind.sum()))
    return min(int((wrong.sum(axis=axis) > 0).sum()) for axis in (0, 1)) < FEW_QUESTIONS


def _checked_pairs(
    scores: np.ndarray, y: np.ndarray, codes: np.ndarray, folds: Any
) -> tuple[Pairs, Pairs]:
    fold = np.zeros(len(y), int) if folds is None else np.asarray(folds)
    if not len(scores) == len(y) == len(codes) == len(fold):
        counts = f"{len(scores)} scores, {len(y)} labels, {len(codes)} questions"
        raise TriggerLensError(f"{counts}: give one of each for every row")
    return _pairs(scores, y, codes, fold, int(codes.max(initial=-1)) + 1)


def _pairs(
    scores: np.ndarray, y: np.ndarray, codes: np.ndarray, folds: np.ndarray, questions: int
) -> tuple[Pairs, Pairs]:
    """Right pairs and all pairs, by (unit of the positive row, of the negative row)."""
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
    """AUROC without an interval, for repeated null results; None if there is no pair."""
    scores, y = np.asarray(as_array(scores), float), np.asarray(as_array(y)).astype(bool)
    positive, negative = int(y.sum()), int((~y).sum())
    if positive == 0 or negative == 0:
        return None
    ranks = scipy.stats.rankdata(scores)[y].sum() - positive * (positive + 1) / 2
    return float(ranks / (positive * negative))
