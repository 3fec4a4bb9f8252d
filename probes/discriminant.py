"""Fisher's linear discriminant on standardised activations, its covariance shrunk towards the identity.

Method:
1. weights = ((1 - s) W + s I)^-1 (mean of the second class - mean of the first), W the covariance within the classes,
   s the shrinkage.
2. The threshold lies half way between the two means.
The covariance of all rows differs from W by one outer product, so that many label sets share one factorisation
(Sherman and Morrison).

Regularisation: `shrinkage` in (0, 1]; 1 is a difference of means of standardised rows.
Papers: Fisher 1936; Friedman 1989 (shrinkage).
What it does not know: whether the classes spread alike; it takes them to.
"""

from collections.abc import Iterator, Sequence
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float

from interp.errors import TriggerLensError
from probes.base import Features, Groups, LinearProbe, Targets
from probes.design import Design, Labels, ReadOuts
from probes.kernel import Kernel
from probes.standardise import standard


class DiscriminantProbe(LinearProbe):
    """Points from the mean of the first class to that of the second, in units of the spread within them."""

    shrinkage: float
    knob = "shrinkage"
    strengths = (0.9, 0.5, 0.2, 0.05, 0.01)  # of the shrinkage, for sweeps

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(self, *, shrinkage: float = 0.1) -> None:
        self.shrinkage = shrinkage

    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        rows = torch.tensor(X)
        to_standard = standard(rows)
        kernel = Kernel(to_standard(rows))
        duals, intercept = _fit(kernel, torch.tensor(y, dtype=rows.dtype)[None], self.shrinkage)
        weights, shift = to_standard.undo(kernel.weights(duals)[0], intercept[0, 0])
        return weights.numpy(), float(shift)

    def held_out(
        self, design: Design, labels: Labels, strengths: Sequence[float]
    ) -> Iterator[ReadOuts]:
        """The same discriminants for many label sets at once."""
        for shrinkage in strengths:
            yield design.read(*_fit(design.kernel, labels, shrinkage))


def _fit(kernel: Kernel, labels: Labels, shrinkage: float) -> tuple[torch.Tensor, torch.Tensor]:
    if not 0 < shrinkage <= 1:
        raise TriggerLensError(f"DiscriminantProbe: shrinkage is {shrinkage}; it must be in (0, 1]")
    rows = labels.shape[1]
    positive, negative = (each / each.sum(dim=1, keepdim=True) for each in (labels, 1 - labels))
    gap = positive - negative
    duals = kernel.solver((1 - shrinkage) / (rows * shrinkage))(gap) / shrinkage
    share = labels.mean(dim=1, keepdim=True)
    along = (gap * kernel.times(duals)).sum(dim=1, keepdim=True)
    duals = duals / (1 - (1 - shrinkage) * share * (1 - share) * along)
    middle = ((positive + negative) / 2 * kernel.times(duals)).sum(dim=1, keepdim=True)
    return duals, -middle
