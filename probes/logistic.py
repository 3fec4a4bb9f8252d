"""Logistic regression on standardised activations, with weights in the units of the activations.

Method:
1. Each dimension is centred and scaled to unit spread (a constant one is left out).
2. L2-regularised logistic regression, classes weighted to count alike.
3. weights / spread, so that the read-out is the same function of the raw activations.

Regularisation: `C`, the inverse strength on the standardised dimensions; small = strong.
Paper: Alain and Bengio 1610.01644.
It reads whatever separates the classes, causal or not.
"""

from collections.abc import Iterator, Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression

from probes.base import Features, Groups, LinearProbe, Targets
from probes.batched_logistic import logistic_path
from probes.design import Design, Labels, ReadOuts


class LogisticProbe(LinearProbe):
    """Points towards higher log-odds of the second class."""

    C: float
    max_iter: int
    knob = "C"
    strengths = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of C, for sweeps

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(self, *, C: float = 0.1, max_iter: int = 1000) -> None:
        self.C = C
        self.max_iter = max_iter

    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        centre, spread = X.mean(axis=0), X.std(axis=0)
        scale = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0)
        model = LogisticRegression(C=self.C, max_iter=self.max_iter, class_weight="balanced")
        model.fit((X - centre) * scale, y)
        self.n_iter_ = model.n_iter_
        weights = model.coef_[0] * scale
        return weights, float(model.intercept_[0] - weights @ centre)

    def held_out(
        self, design: Design, labels: Labels, strengths: Sequence[float]
    ) -> Iterator[ReadOuts]:
        """The same regressions for many label sets at once, C ascending."""
        for path in logistic_path(design.kernel, labels, strengths):
            yield design.read(path.a, path.b[:, None])
