"""A threshold on scores that benign prompts pass at a stated rate, and how far new scores have drifted.

Method:
1. The threshold is the k-th smallest of n benign scores, k = ceil((n + 1)(1 - rate)): a new benign score lies above it
   with a chance of at most `rate`, if it is exchangeable with them (split conformal; Vovk et al. 2005).
2. That probability is over draws of the n scores. The rate of this particular threshold is estimated by the
   Clopper-Pearson interval of the share above it.
3. Drift: the chance that a new score lies above a benign one (AUROC; 0.5 = no shift), the share flagged, and the
   two-sample Kolmogorov-Smirnov distance, which also detects a change of spread.

It is assumed that the benign scores are like those to come. Scores of prompts that share a question or a wording are
correlated: give one prompt for each.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.auroc import clustered_auroc
from probes.estimate import LEVEL, Estimate, undefined
from probes.intervals import clopper_pearson

NEWEST = 1000  # scores that drift looks at


@dataclass(frozen=True)
class Threshold:
    """Scores above `value` are flagged; `benign` is the share of benign prompts that were."""

    value: float
    wanted: float
    benign: Estimate


def threshold_at(scores: Any, wanted: float, *, level: float = LEVEL) -> Threshold:
    """The lowest threshold that keeps the false-positive rate `wanted`; ValueError with too few scores for it."""
    values = _scores(scores)
    if not 0 < wanted < 1:
        raise TriggerLensError(
            f"false-positive rate {wanted}: give one between 0 and 1, such as 0.01"
        )
    n = len(values)
    rank = math.ceil((n + 1) * (1 - wanted) - 1e-9)
    if rank > n:
        raise TriggerLensError(
            f"a false-positive rate of {wanted:g} needs at least {math.ceil(1 / wanted - 1 - 1e-9)}"
            f" benign prompts, but there are {n}; give more, or allow a higher rate"
        )
    value = float(np.sort(values)[rank - 1])
    return Threshold(value, wanted, share_above(values, value, level=level))


def share_above(scores: Any, threshold: float, *, level: float = LEVEL) -> Estimate:
    """The share of scores above a threshold, with scores taken as independent."""
    values = _scores(scores)
    n, above = len(values), int((values > threshold).sum())
    if n == 0:
        return undefined("no scores", level)
    lower, upper = clopper_pearson(above, n, level)
    return Estimate(above / n, lower, upper, level, n, f"Clopper-Pearson, n = {n} prompts")


@dataclass(frozen=True)
class Drift:
    """New scores against benign ones; `distance` and `p_value` are those of a Kolmogorov-Smirnov test."""

    above_benign: Estimate
    flagged: Estimate
    distance: float
    p_value: float
    n: int


def drift(benign: Any, scores: Any, threshold: float, *, level: float = LEVEL) -> Drift:
    """How far the newest scores have drifted from the benign ones."""
    before, now = _scores(benign), _scores(scores)[-NEWEST:]
    if len(now) == 0:
        raise TriggerLensError("no scores: drift compares at least one with the benign ones")
    both = np.concatenate([before, now])
    is_new = np.arange(len(both)) >= len(before)
    above = clustered_auroc(both, is_new, range(len(both)), level=level)
    test = stats.ks_2samp(before, now)
    flagged = share_above(now, threshold, level=level)
    return Drift(above, flagged, float(test.statistic), float(test.pvalue), len(now))


def _scores(scores: Any) -> np.ndarray:
    values = np.asarray(as_array(scores), float)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise TriggerLensError(f"scores {values.shape}: give one finite number for each prompt")
    return values
