"""Fisher's linear discriminant on standardised activations, its covariance shrunk towards the identity.

Method:
1. weights = ((1 - s) W + s I)^-1 (mean of the second class - mean of the first), W the covariance within the classes,
   s the shrinkage.
2. The threshold lies half way between the two means.
The covariance of all rows differs from W by one outer product, so that many label sets share one factorisation
(Sherman and Morrison).

Regularisation: `shrinkage` in (0, 1]; 1 is a difference of means of standardised rows.
Papers: Fisher 1936; Friedman 1989 (shrinkage).
It assumes that both classes have the same covariance.
"""

from typing import no_type_check

import torch

from interp.errors import TriggerLensError
from probes.design import Labels
from probes.kernel import Kernel
from probes.kernel_probe import KernelProbe


class DiscriminantProbe(KernelProbe):
    """Points from the mean of the first class to that of the second, in units of the spread within them."""

    shrinkage: float
    knob = "shrinkage"
    strengths = (0.9, 0.5, 0.2, 0.05, 0.01)  # of the shrinkage, for sweeps

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(self, *, shrinkage: float = 0.1) -> None:
        self.shrinkage = shrinkage

    def _solve(
        self, kernel: Kernel, labels: Labels, strength: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not 0 < strength <= 1:
            raise TriggerLensError(
                f"DiscriminantProbe: shrinkage is {strength}; it must be in (0, 1]"
            )
        rows = labels.shape[1]
        positive, negative = (each / each.sum(dim=1, keepdim=True) for each in (labels, 1 - labels))
        gap = positive - negative
        duals = kernel.solver((1 - strength) / (rows * strength))(gap) / strength
        share = labels.mean(dim=1, keepdim=True)
        along = (gap * kernel.times(duals)).sum(dim=1, keepdim=True)
        duals = duals / (1 - (1 - strength) * share * (1 - share) * along)
        middle = ((positive + negative) / 2 * kernel.times(duals)).sum(dim=1, keepdim=True)
        return duals, -middle
