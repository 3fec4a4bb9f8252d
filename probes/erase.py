"""Erase a concept from activations, so that no linear probe can read it (LEACE).

Method: the smallest affine change of the rows, in the least-squares sense, after which both classes have the same
mean; then no linear classifier beats a constant one. The `concept-erasure` package computes it.
Paper: Belrose et al. 2306.03819.
A non-linear probe may still read the concept, and in rows that it was not fitted on it is erased only as far as their
classes differ in the same way.
"""

from typing import Any

import numpy as np
import torch
from concept_erasure import LeaceFitter
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.base import checked_rows
from probes.checks import classes_of, one_label_each
from probes.hub import ProbeOnHub
from probes.site import Site, open_rows, rows_for


class ConceptEraser(ProbeOnHub, TransformerMixin, BaseEstimator):
    """Fit on rows and classes (two or more), then `transform` rows; arrays, tensors or `Activations` in, arrays out.

    Fitted on `Activations`, it remembers where they come from and refuses those of another model.
    """

    site_: Site | None

    def fit(self, X: Any, y: Any, *, layer: int | None = None) -> "ConceptEraser":
        """Fit on rows [row, d_model] and the class of each; `layer` chooses among Activations'."""
        X, _, self.site_ = open_rows(X, None, layer)
        X = checked_rows(self, X, self.site_, reset=True)
        self.classes_, codes = classes_of(one_label_each(as_array(y), len(X)))
        if len(self.classes_) < 2:
            raise TriggerLensError(
                f"nothing to erase: y holds one class, {self.classes_[0]}, in all {len(X)} rows"
            )
        classes = torch.nn.functional.one_hot(torch.from_numpy(codes)).double()
        eraser = LeaceFitter.fit(torch.tensor(X), classes, shrinkage=False).eraser
        self.left_, self.right_ = eraser.proj_left.numpy(), eraser.proj_right.numpy()
        self.bias_ = eraser.bias.numpy()
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "row d_model"]:
        """The rows without the concept; of `Activations`, those at the layer it was fitted on."""
        check_is_fitted(self)
        X = checked_rows(self, rows_for(X, self.site_), self.site_, reset=False)
        return X - ((X - self.bias_) @ self.right_.T) @ self.left_.T

    def state(self) -> dict[str, np.ndarray]:
        """The fitted arrays, by name: what `save` writes and `load_probe` sets."""
        check_is_fitted(self)
        return {"left_": self.left_, "right_": self.right_, "bias_": self.bias_}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
