"""Paired difference of means within each question, so that what the question is about cancels out.

Method:
1. Within each question: mean of its positive rows minus mean of its negative rows.
2. weights = the mean of those differences over questions, each question counting once.
3. The threshold lies half way between the two classes' means over those questions.

Questions with one class only say nothing about the difference and are left out; `n_pairs_` counts
the others. Without groups all rows are one question: a plain difference of means.
Regularisation: none.
Paper: Arditi et al. 2406.11717 (difference of means), paired as in matched case-control designs.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float

from interp.errors import TriggerLensError
from probes.base import Features, Groups, LinearProbe, Targets
from probes.design import Design, Labels, ReadOuts
from probes.difference_of_means import mean_difference


class PairedDifference(LinearProbe):
    """Points from negative to positive rows of the same question."""

    knob = None
    strengths = (None,)

    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        codes = np.zeros(len(X), dtype=int) if groups is None else groups
        both = np.intersect1d(codes[y], codes[~y])
        if len(both) == 0:
            raise TriggerLensError(
                f"none of {len(np.unique(codes))} questions has rows of both classes: "
                "a paired difference needs some; use DifferenceOfMeans"
            )
        positive = np.mean([X[y & (codes == code)].mean(axis=0) for code in both], axis=0)
        negative = np.mean([X[~y & (codes == code)].mean(axis=0) for code in both], axis=0)
        self.n_pairs_ = len(both)
        weights = positive - negative
        return weights, float(-weights @ (positive + negative) / 2)

    def held_out(
        self, design: Design, labels: Labels, strengths: Sequence[None]
    ) -> Iterator[ReadOuts]:
        """The difference for many label sets at once; a set without pairs reads 0 everywhere."""
        codes = torch.from_numpy(np.unique(design.groups, return_inverse=True)[1]).to(labels.device)
        member = torch.nn.functional.one_hot(codes).to(labels)
        positive, negative = labels @ member, (1 - labels) @ member
        both = ((positive > 0) & (negative > 0)).to(labels)
        both = both / both.sum(dim=1, keepdim=True).clamp_min(1)
        sides = (
            each * (both / counts.clamp_min(1))[:, codes]
            for each, counts in ((labels, positive), (1 - labels, negative))
        )
        yield mean_difference(design, *sides)
