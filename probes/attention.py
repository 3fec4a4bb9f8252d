"""A probe that learns which tokens to read: a softmax over tokens, then a linear read-out of their mean.

Method:
1. Tokens are standardised by the training tokens; score each token with a query vector, softmax over the row's own
   tokens, average its values with those weights, read with a value vector: f = sum_t softmax_t(q.x_t) v.x_t + b.
2. Logistic loss, classes weighted to count alike, L2 on both vectors, full batches, L-BFGS from q = 0: it starts as a
   mean over tokens and departs from it only if that lowers the loss.

Regularisation: `C`, the inverse strength on the standardised dimensions, as in `probes.logistic`.
Paper: Tenney et al. 1905.06316 (self-attentive pooling of edge probes).
That the probe attends to a token does not show that the token matters to the model. The interface differs from other
probes: rows are token matrices of different lengths, or `Activations` captured with `Each(position)`, whose rows are
grouped by their source.
"""

from collections.abc import Sequence
from typing import Any, no_type_check

import numpy as np
import torch
from jaxtyping import Bool, Float
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn.functional import softplus
from torch.nn.utils.rnn import pad_sequence

from interp.activations import Activations
from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.checks import check_finite, two_classes
from probes.hub import ProbeOnHub
from probes.site import Site, open_rows, rows_for
from probes.standardise import standard

Tokens = Float[Tensor, "row token d_model"]
Real = Bool[Tensor, "row token"]


class AttentionProbe(ProbeOnHub, BaseEstimator):
    """Reads token matrices [token, d_model], one for each row; points to the second class."""

    C: float
    max_iter: int
    site_: Site | None

    @no_type_check  # scikit-learn's rule: parameters are kept as given and checked in fit
    def __init__(self, *, C: float = 0.1, max_iter: int = 100) -> None:
        self.C = C
        self.max_iter = max_iter

    def fit(self, rows: Any, y: Any, *, layer: int | None = None) -> "AttentionProbe":
        """Fit on token matrices; y is one of two classes for each matrix.

        `Activations` give one matrix for each prompt or answer, in the order of their `source`; `layer` chooses.
        """
        tokens, _, self.site_ = open_rows(rows, None, layer)
        X, real = _padded(_by_source(rows, tokens))
        self.classes_, second = two_classes(as_array(y), len(X))
        self.n_features_in_ = X.shape[-1]
        to_standard = standard(X[real])
        Z = torch.where(real[..., None], (X - to_standard.centre) * to_standard.scale, 0.0)
        target = torch.from_numpy(second).to(Z)
        share = target.mean()
        weights = self.C * torch.where(target > 0, 0.5 / share, 0.5 / (1 - share))
        parameters = [torch.zeros(Z.shape[-1]).to(Z) for _ in range(2)] + [torch.zeros(1).to(Z)]
        for parameter in parameters:
            parameter.requires_grad_()
        optimiser = torch.optim.LBFGS(
            parameters, max_iter=self.max_iter, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            optimiser.zero_grad()
            query, value, shift = parameters
            logits = _read(Z, real, query, value) + shift
            total = (weights * softplus((1 - 2 * target) * logits)).sum()
            total = total + (query @ query + value @ value) / 2
            total.backward()
            return total

        optimiser.step(loss)
        query, value, shift = (parameter.detach() for parameter in parameters)
        raw = value * to_standard.scale
        self.query_, self.coef_ = (query * to_standard.scale).numpy(), raw.numpy()[None]
        self.intercept_ = (shift - raw @ to_standard.centre).numpy()
        return self

    def decision_function(self, rows: Any) -> Float[np.ndarray, " row"]:
        """Signed read-out of each row; positive means the second class."""
        X, real = self._open(rows)
        query, value = (torch.from_numpy(each).to(X) for each in (self.query_, self.coef_[0]))
        return _read(X, real, query, value).numpy() + self.intercept_[0]

    def attention(self, rows: Any) -> list[Float[np.ndarray, " token"]]:
        """The attention weight of each token of each row; sums to 1 in each row."""
        X, real = self._open(rows)
        weights = _attention(X, real, torch.from_numpy(self.query_).to(X))
        return [each[kept].numpy() for each, kept in zip(weights, real, strict=True)]

    def predict(self, rows: Any) -> np.ndarray:
        """The class on whose side of zero each row falls."""
        return self.classes_[(self.decision_function(rows) > 0).astype(int)]

    @property
    def unit_vector(self) -> Float[np.ndarray, " d_model"]:
        """The value vector with length 1: what is read from the attended tokens."""
        check_is_fitted(self)
        return self.coef_[0] / np.linalg.norm(self.coef_[0])

    def state(self) -> dict[str, np.ndarray]:
        """Query, value and threshold, in the units of the activations."""
        check_is_fitted(self)
        return {"query_": self.query_, "coef_": self.coef_, "intercept_": self.intercept_}

    def _open(self, rows: Any) -> tuple[Tokens, Real]:
        check_is_fitted(self)
        X, real = _padded(_by_source(rows, rows_for(rows, self.site_)))
        if X.shape[-1] != len(self.query_):
            raise TriggerLensError(
                f"tokens have {X.shape[-1]} features, but the probe was fitted on {len(self.query_)}"
            )
        return X, real


def _by_source(rows: Any, tokens: Any) -> Sequence[Any]:
    """The token matrices of activations, one for each source in order; anything else is returned unchanged."""
    if not isinstance(rows, Activations):
        return tokens
    if not rows.source:
        raise TriggerLensError(
            "these activations do not say which prompt each row comes from; capture with Each(position)"
        )
    sources = torch.tensor(rows.source)
    return [tokens[sources == each] for each in sources.unique()]


def _padded(rows: Sequence[Any]) -> tuple[Tokens, Real]:
    tensors = [torch.as_tensor(np.asarray(as_array(row)), dtype=torch.float32) for row in rows]
    for number, tensor in enumerate(tensors):
        if tensor.ndim != 2 or len(tensor) == 0:
            raise TriggerLensError(
                f"row {number} is {tuple(tensor.shape)}: give [token, d_model], not empty"
            )
        check_finite(tensor.numpy(), f"row {number}", "token")
    if not tensors or len({tensor.shape[1] for tensor in tensors}) > 1:
        raise TriggerLensError(f"{len(tensors)} rows of unequal width: all need the same d_model")
    lengths = torch.tensor([len(tensor) for tensor in tensors])
    X = pad_sequence(tensors, batch_first=True)
    return X, torch.arange(X.shape[1])[None] < lengths[:, None]


def _attention(X: Tokens, real: Real, query: Tensor) -> Float[Tensor, "row token"]:
    return (X @ query).masked_fill(~real, -torch.inf).softmax(dim=1)


def _read(X: Tokens, real: Real, query: Tensor, value: Tensor) -> Float[Tensor, " row"]:
    return (_attention(X, real, query) * (X @ value)).sum(dim=1)
