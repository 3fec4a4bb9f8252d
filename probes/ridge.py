"""Ridge regression on standardised activations, with the classes as -1 and +1.

Method: minimise sum_i (t_i - f_i)^2 + alpha |w|^2 with t = -1 or +1 and an unpenalised intercept; in closed form,
through the smaller of X X' and X'X.
Regularisation: `alpha` on the standardised dimensions; large = strong. `probes.discriminant` finds the same direction
at alpha = n shrinkage / (1 - shrinkage).
Paper: Hoerl and Kennard 1970.
If the classes differ in size, its zero is shifted in favour of the larger one.
"""

from typing import no_type_check

import torch

from interp.errors import TriggerLensError
from probes.design import Labels
from probes.kernel import Kernel
from probes.kernel_probe import KernelProbe


class RidgeProbe(KernelProbe):
    """Points towards larger regression values of the second class."""

    alpha: float
    knob = "alpha"
    strengths = (1e5, 1e4, 1e3, 1e2, 1e1)  # of alpha, for sweeps

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(self, *, alpha: float = 1e2) -> None:
        self.alpha = alpha

    def _solve(
        self, kernel: Kernel, labels: Labels, strength: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not strength > 0:
            raise TriggerLensError(f"RidgeProbe: alpha is {strength}; it must be above 0")
        targets = 2 * labels - 1
        intercept = targets.mean(dim=1, keepdim=True)
        return kernel.solver(1 / strength)(targets - intercept) / strength, intercept
