"""Ridge regression on standardised activations, with the classes as -1 and +1.

Method: minimise sum_i (t_i - f_i)^2 + alpha |w|^2 with t = -1 or +1 and an unpenalised intercept; in closed form,
through whichever of X X' and X'X is smaller.
Regularisation: `alpha` on the standardised dimensions; large = strong. `probes.discriminant` finds the same direction
at alpha = n shrinkage / (1 - shrinkage).
Paper: Hoerl and Kennard 1970.
What it does not know: that the classes may differ in size: its zero then leans towards the larger one.
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


class RidgeProbe(LinearProbe):
    """Points towards larger regression values of the second class."""

    alpha: float
    knob = "alpha"
    strengths = (1e5, 1e4, 1e3, 1e2, 1e1)  # of alpha, for sweeps

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(self, *, alpha: float = 1e2) -> None:
        self.alpha = alpha

    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        rows = torch.tensor(X)
        to_standard = standard(rows)
        kernel = Kernel(to_standard(rows))
        duals, intercept = _fit(kernel, torch.tensor(y, dtype=rows.dtype)[None], self.alpha)
        weights, shift = to_standard.undo(kernel.weights(duals)[0], intercept[0, 0])
        return weights.numpy(), float(shift)

    def held_out(
        self, design: Design, labels: Labels, strengths: Sequence[float]
    ) -> Iterator[ReadOuts]:
        """The same regressions for many label sets at once."""
        for alpha in strengths:
            yield design.read(*_fit(design.kernel, labels, alpha))


def _fit(kernel: Kernel, labels: Labels, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
    if not alpha > 0:
        raise TriggerLensError(f"RidgeProbe: alpha is {alpha}; it must be above 0")
    targets = 2 * labels - 1
    intercept = targets.mean(dim=1, keepdim=True)
    return kernel.solver(1 / alpha)(targets - intercept) / alpha, intercept
