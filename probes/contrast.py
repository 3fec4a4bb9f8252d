"""The main component of the differences within contrast pairs, found without labels.

Method:
1. Each pair holds two versions of one prompt (say, with the trigger and without). Each side is centred, which
   removes what all second versions share, the wording itself.
2. The direction is the first principal component of the differences, second minus first.
3. A component has no sign. `fit` makes its largest entry positive, which has no meaning; `oriented` sets the sign by
   the labels of selection rows, never of the rows that are reported.

Regularisation: none.
Paper: Burns et al. 2212.03827, the closed-form alternative to their CCS objective (CRC-TPC).
The direction may mean something else than you had in mind: it is only the largest shared variation.
The interface differs from other probes: `fit(first, second)` takes pairs, not labels.
"""

from copy import copy
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted

from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.auroc import plain_auroc
from probes.checks import check_finite, two_classes

FEWEST_PAIRS = 3


class ContrastComponent(BaseEstimator):
    """The first principal component of paired differences."""

    def fit(self, first: Any, second: Any) -> "ContrastComponent":
        """Fit on pairs: row i of `first` and of `second` [pair, d_model] are two versions of one prompt."""
        first, second = _finite(first, "first"), _finite(second, "second")
        if first.shape != second.shape or len(first) < FEWEST_PAIRS:
            raise TriggerLensError(
                f"pairs {first.shape} and {second.shape}: give one row of each version, for at least {FEWEST_PAIRS}"
            )
        differences = (second - second.mean(axis=0)) - (first - first.mean(axis=0))
        if np.ptp(differences) == 0:
            raise TriggerLensError(
                "all pairs differ in the same way: after centring, nothing is left to find"
            )
        _, spread, components = np.linalg.svd(differences, full_matrices=False)
        vector = components[0]
        self.unit_vector_ = vector * np.sign(vector[np.abs(vector).argmax()])
        self.explained_ = float(spread[0] ** 2 / (spread**2).sum())  # share of the variation
        self.centre_ = (first.mean(axis=0) + second.mean(axis=0)) / 2
        self.oriented_ = False
        return self

    @property
    def unit_vector(self) -> Float[np.ndarray, " d_model"]:
        """Length 1; its sign means nothing before `oriented`."""
        check_is_fitted(self)
        return self.unit_vector_

    def decision_function(self, X: Any) -> Float[np.ndarray, " row"]:
        """Projection of rows [row, d_model], measured from the middle of both sides."""
        check_is_fitted(self)
        X = _finite(X, "X")
        if X.shape[1] != len(self.centre_):
            raise TriggerLensError(
                f"rows have {X.shape[1]} features, but it was fitted on {len(self.centre_)}"
            )
        return (X - self.centre_) @ self.unit_vector_

    def oriented(self, X: Any, y: Any) -> "ContrastComponent":
        """A copy that points to the second class of these selection rows."""
        scores = self.decision_function(X)
        _, second = two_classes(as_array(y), len(scores))
        turned, auroc = copy(self), plain_auroc(scores, second)
        turned.unit_vector_ = self.unit_vector_ * (1 if (auroc or 0) >= 0.5 else -1)
        turned.oriented_ = True
        return turned


def _finite(X: Any, name: str) -> Float[np.ndarray, "row d_model"]:
    X = check_array(as_array(X), dtype=np.float64, ensure_all_finite=False)
    check_finite(X, name)
    return X
