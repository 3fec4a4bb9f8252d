"""What every probe is: a linear read-out of two classes, as a scikit-learn classifier.

A probe fits `coef_` and `intercept_` in the units of the activations it was given, so that its
unit vector can be added to, or removed from, the residual stream as it is. The sign is the sign of
the labels: the vector points from `classes_[0]` to `classes_[1]`, never turned by how well it does.
"""

from abc import abstractmethod
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from probes.resampling import group_codes

Features = Float[np.ndarray, "row d_model"]
Targets = Bool[np.ndarray, " row"]
Groups = Int[np.ndarray, " row"] | None


class LinearProbe(ClassifierMixin, BaseEstimator):
    """A linear classifier of two classes; subclasses say only how the weights are found."""

    @abstractmethod
    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        """The weights and the intercept; y is true for the second class."""

    def fit(self, X: Any, y: Any, groups: Iterable[Hashable] | None = None) -> "LinearProbe":
        """Fit on rows of activations; `groups` is the question of each row."""
        X, y = validate_data(self, as_array(X), as_array(y), dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            kind = type_of_target(y)
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        if len(self.classes_) < 2:
            raise ValueError(f"a probe needs two classes, y holds one class: {self.classes_[0]}")
        codes = None if groups is None else group_codes(groups)[0]
        if codes is not None and len(codes) != len(X):
            raise ValueError(f"{len(codes)} groups but {len(X)} rows: give each row its question")
        weights, intercept = self._weights(X, labels == 1, codes)
        self.coef_, self.intercept_ = weights[None, :], np.array([intercept])
        return self

    def decision_function(self, X: Any) -> Float[np.ndarray, " row"]:
        """Signed read-out; positive means the second class."""
        check_is_fitted(self)
        X = validate_data(self, as_array(X), dtype=np.float64, reset=False)
        return X @ self.coef_[0] + self.intercept_[0]

    def predict(self, X: Any) -> np.ndarray:
        """The class on whose side of zero each row falls."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    @property
    def unit_vector(self) -> Float[np.ndarray, " d_model"]:
        """From the first class to the second, length 1."""
        check_is_fitted(self)
        length = np.linalg.norm(self.coef_[0])
        if length == 0:
            raise ValueError("this probe found no direction: its weights are all zero")
        return self.coef_[0] / length

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def as_array(values: Any) -> Any:
    """Tensors, also with a gradient or in bfloat16, become arrays; the rest is left alone."""
    if not isinstance(values, torch.Tensor):
        return values
    tensor = values.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
