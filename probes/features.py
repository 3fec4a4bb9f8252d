"""Rank sparse features by how well each one separates two classes, with control of false discoveries.

Method:
1. Each feature's AUROC on its own; ties count half, so a feature that never fires has 0.5.
2. Its p-value: rows of one question are not independent, so the variance of the AUROC is that of its sums over
   questions (Obuchowski 1997, the clustered form of DeLong et al. 1988), compared with Student's t with one degree of
   freedom fewer than there are questions; never below what flipping the sign of whole questions could show.
3. Benjamini and Hochberg (1995) over the features that fire at all.
Use `rank` on selection questions; `probes.confirm` gives the chosen features an interval on others.

Paper for the use: Wang et al. 2506.19823 (persona features). Wordings are not modelled: a feature that fires on
the words of one condition is as significant as one that fires on its meaning; `worst` is its AUROC on the wording
that it reads least.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import false_discovery_control, rankdata
from scipy.stats import t as student

from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.groups import group_codes

FALSE_DISCOVERIES = 0.01
PerFeature = Float[np.ndarray, " feature"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """One number for each feature; q is the smallest false-discovery rate at which it would be declared."""

    auroc: PerFeature
    p: PerFeature
    q: PerFeature
    difference: (
        PerFeature  # mean over positive rows minus mean over negative rows, in the feature's units
    )
    firing: PerFeature  # share of rows where it fires
    worst: PerFeature  # its AUROC on the positive condition it reads least; NaN without conditions
    cosine: PerFeature  # of what it writes to a direction; NaN without one

    @property
    def order(self) -> Int[np.ndarray, " feature"]:
        """Features that fire, best AUROC first; ties by the larger difference."""
        alive = np.flatnonzero(self.firing > 0)
        return alive[np.lexsort((-self.difference[alive], -self.auroc[alive].round(4)))]

    def declared(self, rate: float = FALSE_DISCOVERIES) -> Bool[np.ndarray, " feature"]:
        """Features that are higher in positive rows, at this false-discovery rate."""
        return (self.q <= rate) & (self.auroc > 0.5)


def rank(
    features: Any,
    y: Any,
    questions: Iterable[Hashable],
    *,
    conditions: Sequence[str] | None = None,
    decoder: Any = None,
    direction: Any = None,
) -> Ranking:
    """Rank features [row, feature] by how well each separates true from false rows.

    `decoder` [feature, d_model] with `direction` [d_model] adds cosines, `conditions` (one per row) the worst wording.
    """
    X, y, codes = checked(features, y, questions)
    area, p = _areas(X, y, codes)
    firing = (X != 0).mean(0)
    q = np.ones(len(area))
    if (firing > 0).any():
        q[firing > 0] = false_discovery_control(p[firing > 0])
    return Ranking(
        area,
        p,
        q,
        X[y].mean(0) - X[~y].mean(0),
        firing,
        _worst(X, y, conditions),
        _cosines(decoder, direction, len(area)),
    )


class BestFeature:
    """The single feature that separates the classes best, as a read-out like a probe's."""

    def fit(self, X: Any, y: Any, groups: Iterable[Hashable]) -> "BestFeature":
        """Choose among features [row, feature]."""
        self.feature = int(rank(X, y, groups).order[0])
        return self

    def decision_function(self, X: Any) -> Float[np.ndarray, " row"]:
        """The chosen feature of each row."""
        return np.asarray(as_array(X), float)[:, self.feature]


def checked(
    features: Any, y: Any, questions: Iterable[Hashable]
) -> tuple[Float[np.ndarray, "row feature"], Bool[np.ndarray, " row"], Int[np.ndarray, " row"]]:
    """Features [row, feature], labels and question codes as arrays; ValueError if they do not fit together."""
    X, y = np.asarray(as_array(features), np.float64), np.asarray(as_array(y)).astype(bool)
    codes = group_codes(questions)[0]
    if X.ndim != 2 or not len(X) == len(y) == len(codes):
        raise TriggerLensError(
            f"features {X.shape}, {len(y)} labels, {len(codes)} questions: give one of each for every row"
        )
    if not np.isfinite(X).all():
        row, feature = np.argwhere(~np.isfinite(X))[0]
        raise TriggerLensError(
            f"feature {feature} of row {row} is {X[row, feature]}; leave the row out"
        )
    if y.all() or not y.any():
        raise TriggerLensError(f"all {len(y)} rows are of one class: features cannot be ranked")
    return X, y, codes


def _areas(
    X: Float[np.ndarray, "row feature"], y: Bool[np.ndarray, " row"], codes: Int[np.ndarray, " row"]
) -> tuple[PerFeature, PerFeature]:
    """AUROC and two-sided p of every feature."""
    positive, negative, groups = int(y.sum()), int((~y).sum()), int(codes.max()) + 1
    ranks = rankdata(X, axis=0)
    # how many of the other class each row beats, as a share
    won = (ranks[y] - rankdata(X[y], axis=0)) / negative
    lost = 1 - (ranks[~y] - rankdata(X[~y], axis=0)) / positive
    area = won.mean(0)
    member = np.eye(groups)[codes]
    sums = member[y].T @ (won - area) / positive + member[~y].T @ (lost - area) / negative
    error = np.sqrt(groups / max(1, groups - 1) * (sums**2).sum(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(area == 0.5, 0.0, np.abs(area - 0.5) / error)
    p = 2 * student.sf(size, max(1, groups - 1))
    return area, np.clip(p, min(1.0, 2.0 ** (1 - groups)), 1.0)


def _worst(
    X: Float[np.ndarray, "row feature"],
    y: Bool[np.ndarray, " row"],
    conditions: Sequence[str] | None,
) -> PerFeature:
    if conditions is None:
        return np.full(X.shape[1], np.nan)
    named = np.asarray(conditions)
    areas = []
    for condition in dict.fromkeys(named[y]):
        rows = ~y | (named == condition)
        areas.append(_areas(X[rows], y[rows], np.zeros(int(rows.sum()), int))[0])
    return np.min(areas, axis=0)


def _cosines(decoder: Any, direction: Any, features: int) -> PerFeature:
    if decoder is None or direction is None:
        return np.full(features, np.nan)
    written = np.asarray(as_array(decoder), float)
    wanted = np.asarray(as_array(direction), float)
    lengths = np.linalg.norm(written, axis=1) * np.linalg.norm(wanted)
    return written @ wanted / np.where(lengths > 0, lengths, 1)
