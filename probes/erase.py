"""Erase a concept from activations: afterwards no linear probe can read it (LEACE).

Method: the smallest affine change of the rows, in the least-squares sense, after which both classes have the same
mean; then no linear classifier beats a constant one. The `concept-erasure` package computes it.
Paper: Belrose et al. 2306.03819.
What it does not know: what a non-linear probe still reads; and rows that it was not fitted on are erased only as far as
their classes differ in the same way.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from probes.base import as_array


class ConceptEraser(TransformerMixin, BaseEstimator):
    """Fit on rows and classes (two or more), then `transform` rows; arrays in, arrays out."""

    def fit(self, X: Any, y: Any) -> "ConceptEraser":
        """Fit on rows [row, d_model] and the class of each."""
        try:
            from concept_erasure import LeaceFitter
        except ImportError as missing:
            raise ImportError(
                "erasure needs an extra: pip install 'triggerlens[erasure]'"
            ) from missing
        X, y = validate_data(self, as_array(X), as_array(y), dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"nothing to erase: y holds one class, {self.classes_[0]}")
        classes = torch.nn.functional.one_hot(torch.from_numpy(codes)).double()
        eraser = LeaceFitter.fit(torch.tensor(X), classes, shrinkage=False).eraser
        self.left_, self.right_ = eraser.proj_left.numpy(), eraser.proj_right.numpy()
        self.bias_ = eraser.bias.numpy()
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "row d_model"]:
        """The rows without the concept."""
        check_is_fitted(self)
        X = validate_data(self, as_array(X), dtype=np.float64, reset=False)
        return X - ((X - self.bias_) @ self.right_.T) @ self.left_.T

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
