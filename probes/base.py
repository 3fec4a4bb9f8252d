"""The base class of probes: a read-out of two classes, as a scikit-learn classifier.

A probe takes arrays, tensors or `Activations` (whose questions become the groups). A linear probe fits `coef_` and
`intercept_` in the units of the activations it was given. Its unit vector can therefore be added to the residual
stream, or removed from it, without conversion. The sign is that of the labels: the vector points from `classes_[0]` to
`classes_[1]`. It is never flipped to fit the scores.
"""

from abc import abstractmethod
from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from interp.directions import Direction
from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.checks import check_finite, one_label_each, two_classes
from probes.groups import group_codes
from probes.hub import ProbeOnHub
from probes.site import Site, open_rows, rows_for

Features = Float[np.ndarray, "row d_model"]
Targets = Bool[np.ndarray, " row"]
Groups = Int[np.ndarray, " row"] | None
P = TypeVar("P", bound="Probe")


class Probe(ProbeOnHub, ClassifierMixin, BaseEstimator):
    """A classifier of two classes; subclasses define how to fit and read checked rows."""

    site_: Site | None

    @abstractmethod
    def _fit(self, X: Features, y: Targets, groups: Groups) -> None:
        """Fit on checked rows; y is true for the second class."""

    @abstractmethod
    def _read(self, X: Features) -> Float[np.ndarray, " row"]:
        """Signed read-outs of checked rows; positive means the second class."""

    def fit(
        self: P,
        X: Any,
        y: Any,
        groups: Iterable[Hashable] | None = None,
        *,
        layer: int | None = None,
    ) -> P:
        """Fit on rows [row, d_model]; `groups` is the question of each row, `layer` chooses among Activations'."""
        X, groups, self.site_ = open_rows(X, groups, layer)
        X = checked_rows(self, X, self.site_, reset=True)
        self.classes_, second = two_classes(one_label_each(as_array(y), len(X)))
        codes = None if groups is None else group_codes(groups)[0]
        if codes is not None and len(codes) != len(X):
            raise TriggerLensError(
                f"{len(codes)} groups but {len(X)} rows: give each row its question"
            )
        self._fit(X, second, codes)
        return self

    def decision_function(self, X: Any) -> Float[np.ndarray, " row"]:
        """Signed read-out; positive means the second class."""
        check_is_fitted(self)
        return self._read(checked_rows(self, rows_for(X, self.site_), self.site_, reset=False))

    def predict(self, X: Any) -> np.ndarray:
        """The class on whose side of zero each row falls."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def state(self) -> dict[str, np.ndarray]:
        """The fitted arrays, by name: what `save` writes and `load_probe` sets."""
        check_is_fitted(self)
        raise NotImplementedError(f"{type(self).__name__} does not define state()")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class LinearProbe(Probe):
    """A linear classifier of two classes; subclasses define only how the weights are found."""

    @abstractmethod
    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        """The weights and the intercept; y is true for the second class."""

    def _fit(self, X: Features, y: Targets, groups: Groups) -> None:
        weights, intercept = self._weights(X, y, groups)
        self.coef_, self.intercept_ = weights[None, :], np.array([intercept])

    def _read(self, X: Features) -> Float[np.ndarray, " row"]:
        return X @ self.coef_[0] + self.intercept_[0]

    def state(self) -> dict[str, np.ndarray]:
        """Weights and intercept, in the units of the activations."""
        check_is_fitted(self)
        return {"coef_": self.coef_, "intercept_": self.intercept_}

    @property
    def unit_vector(self) -> Float[np.ndarray, " d_model"]:
        """From the first class to the second, length 1."""
        check_is_fitted(self)
        length = np.linalg.norm(self.coef_[0])
        if length == 0:
            raise TriggerLensError("this probe found no direction: its weights are all zero")
        return self.coef_[0] / length

    @property
    def direction(self) -> Direction:
        """The unit vector with its site, its scale and its sign in words; needs a fit on Activations."""
        vector, site = self.unit_vector, self.site_
        if site is None or site.weights is None:
            raise TriggerLensError(
                "this probe does not know which model it read: fit it on Activations that say which weights made them"
            )
        if site.site != "resid_post":
            raise TriggerLensError(
                f"this probe read {site.site} of layer {site.layer}, but a direction is of the residual stream: "
                "fit it on resid_post, or take unit_vector"
            )
        first, second = self.classes_.tolist()
        return Direction(
            vector=torch.from_numpy(vector).to(torch.float32),
            layer=site.layer,
            scale=site.scale,
            meaning=f"points from {first} to {second}",
            position=site.position,
            source=repr(self),
            model_hash=site.weights,
            name=f"{first} to {second}",
        )


def checked_rows(
    estimator: BaseEstimator, X: Any, site: Site | None, *, reset: bool
) -> Float[np.ndarray, "row d_model"]:
    """Rows as scikit-learn expects them, every value finite; `reset` if the width is learnt from them."""
    X = validate_data(
        estimator, as_array(X), dtype=np.float64, ensure_all_finite=False, reset=reset
    )
    check_finite(X, "X" if site is None else str(site))
    return X
