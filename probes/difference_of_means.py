"""Difference of means: the mean of one class minus the mean of the other.

Method:
1. weights = mean(positive) - mean(negative); with `whiten`, times the inverse covariance within the
   classes (Fisher's discriminant), which tames a residual dimension a thousand times larger than the others.
2. The threshold lies half way between the two means.

Regularisation: none; with `whiten`, Ledoit and Wolf's (2004) shrinkage of the covariance, without a parameter.
Papers: Marks and Tegmark 2310.06824 (mass-mean probes); Soligo et al. 2506.11618 (misalignment).
If the classes also differ in what they are asked about, the probe reads that too: see `paired`.
"""

from collections.abc import Iterator, Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from sklearn.covariance import ledoit_wolf

from probes.base import Features, Groups, LinearProbe, Targets
from probes.design import Design, Labels, ReadOuts, one_by_one


class DifferenceOfMeans(LinearProbe):
    """Points from the mean of the first class to the mean of the second."""

    whiten: bool
    knob = None
    strengths = (None,)

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(self, *, whiten: bool = False) -> None:
        self.whiten = whiten

    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        positive, negative = X[y].mean(axis=0), X[~y].mean(axis=0)
        weights = positive - negative
        if self.whiten:
            within = np.where(y[:, None], X - positive, X - negative)
            covariance, _ = ledoit_wolf(within, assume_centered=True)
            weights = np.linalg.lstsq(covariance, weights, rcond=None)[0]
        return weights, float(-weights @ (positive + negative) / 2)

    def held_out(
        self, design: Design, labels: Labels, strengths: Sequence[None]
    ) -> Iterator[ReadOuts]:
        """The difference for many label sets at once: one matrix product."""
        if self.whiten:
            yield from one_by_one(self, design, labels)
            return
        positive, negative = (each / each.sum(dim=1, keepdim=True) for each in (labels, 1 - labels))
        yield mean_difference(design, positive, negative)


def mean_difference(design: Design, positive: Labels, negative: Labels) -> ReadOuts:
    """Read-outs by weighted means of the training rows, in raw units; zero lies half way between them."""
    weights = (positive - negative) @ design.rows
    middle = ((positive + negative) @ design.rows / 2 * weights).sum(dim=1, keepdim=True)
    return weights @ design.unseen.T - middle
