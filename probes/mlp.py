"""A small neural network: how much can be read if the read-out does not have to be linear.

Method: standardised activations, one hidden layer of rectified units, Adam until the loss stops falling
(scikit-learn's MLPClassifier). It has no direction. A network that reads much better than every linear probe says
that the concept is there, but not along one vector.

Regularisation: `alpha`, the L2 penalty; and the width.
Paper: Hewitt and Liang 1909.03368, who also show why its selectivity must be looked at.
It may have memorised the rows instead of finding the label.
"""

import warnings
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from probes.base import Features, Groups, Probe, Targets
from probes.standardise import standard


class MLPProbe(Probe):
    """The non-linear reference."""

    width: int
    alpha: float
    max_iter: int
    seed: int

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(
        self, *, width: int = 32, alpha: float = 0.1, max_iter: int = 200, seed: int = 0
    ) -> None:
        self.width = width
        self.alpha = alpha
        self.max_iter = max_iter
        self.seed = seed

    def _fit(self, X: Features, y: Targets, groups: Groups) -> None:
        rows = torch.tensor(X)
        to_standard = standard(rows)
        model = MLPClassifier(
            (self.width,), alpha=self.alpha, max_iter=self.max_iter, random_state=self.seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is the early stop
            model.fit(to_standard(rows).numpy(), y)
        inner, outer = model.coefs_
        scale, centre = to_standard.scale.numpy(), to_standard.centre.numpy()
        self.inner_ = inner * scale[:, None]
        self.inner_shift_ = model.intercepts_[0] - centre @ self.inner_
        self.outer_, self.outer_shift_ = outer[:, 0], model.intercepts_[1]
        self.n_iter_ = model.n_iter_

    def _read(self, X: Features) -> Float[np.ndarray, " row"]:
        hidden = np.maximum(X @ self.inner_ + self.inner_shift_, 0)
        return hidden @ self.outer_ + self.outer_shift_[0]

    def state(self) -> dict[str, np.ndarray]:
        """The weights of both layers, in the units of the activations."""
        names = ("inner_", "inner_shift_", "outer_", "outer_shift_")
        return {name: getattr(self, name) for name in names}
