"""Resampling questions, not answers: answers to one question are not independent.

Method: sums and counts per question are all a rate needs, so one resample is a vector of question
weights and two thousand of them are one matrix product. Questions are resampled within groups that
occur in the same cells (all shared: a paired comparison; none shared: independent samples).

With few questions a percentile interval is too narrow: its tails are moved outwards as Student's t over the
questions requires (Hesterberg, arXiv 1411.5279, section 5.3: the expanded percentile interval).
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float

from probes.groups import group_codes, plain
from probes.intervals import student

Weights = Float[np.ndarray, "resample question"]


@dataclass(frozen=True)
class Clusters:
    """One cell's answers, summed by question; a question that the cell does not have has a count of 0."""

    sums: Float[np.ndarray, " question"]
    counts: Float[np.ndarray, " question"]

    @property
    def value(self) -> float:
        """The mean over answers (not over questions)."""
        return float(self.sums.sum() / self.counts.sum())

    @property
    def answers(self) -> int:
        """How many answers the cell holds."""
        return int(self.counts.sum())

    def present(self) -> "Clusters":
        """Without the questions that this cell does not have."""
        return Clusters(self.sums[self.counts > 0], self.counts[self.counts > 0])

    def resampled(self, weights: Weights) -> Float[np.ndarray, " resample"]:
        """The mean under each resample; NaN where a resample has no answers."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ self.sums) / (weights @ self.counts)


def cluster(cells: Sequence[tuple[np.ndarray, Iterable[Hashable]]]) -> list[Clusters]:
    """Sum the values of each cell by question, over the union of the questions of all cells."""
    codes, names = group_codes([q for _, questions in cells for q in plain(questions)])
    found, start = [], 0
    for values, _ in cells:
        mine, start = codes[start : start + len(values)], start + len(values)
        sums = np.bincount(mine, weights=values, minlength=len(names)).astype(float)
        found.append(Clusters(sums, np.bincount(mine, minlength=len(names)).astype(float)))
    return found


def question_weights(cells: Sequence[Clusters], resamples: int, seed: int) -> Weights:
    """How often each question is drawn in each resample, within groups of the same cells."""
    generator = np.random.default_rng(seed)
    presence = np.stack([cell.counts > 0 for cell in cells], axis=1)
    weights = np.zeros((resamples, len(presence)))
    for pattern in np.unique(presence, axis=0):
        members = np.flatnonzero((presence == pattern).all(axis=1))
        even = np.full(len(members), 1 / len(members))
        weights[:, members] = generator.multinomial(len(members), even, size=resamples)
    return weights


def bootstrap(
    statistic: Callable[[Weights], Float[np.ndarray, " resample"]],
    cells: Sequence[Clusters],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> tuple[float, float] | None:
    """Expanded percentile interval of a statistic of question weights; None if no resample defines it."""
    values = statistic(question_weights(cells, resamples, seed))
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return None
    tail = expanded_tail(level, min(int((cell.counts > 0).sum()) for cell in cells))
    lower, upper = np.quantile(values, [tail, 1 - tail])
    return float(lower), float(upper)


def expanded_tail(level: float, units: int) -> float:
    """The share of resamples to leave out on either side, so that the interval is wide enough for few units."""
    if units < 2:
        return 0.0
    return float(scipy.stats.norm.cdf(-student(level, units - 1) * (units / (units - 1)) ** 0.5))
