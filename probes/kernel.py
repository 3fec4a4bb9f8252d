"""What regularised linear probes need from their training rows, computed once for all of them.

Method: the weights of a probe with an L2 penalty are a sum of its training rows, w = X'a. Then the read-outs are
K a with K = X X', and many fits (labels, strengths) that share X share K and one factorisation of I + c K. With more
rows than dimensions X X' is never formed: the same products go through X'X (Woodbury).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

BLOCK = 256  # most rows whose product is computed directly: an eighth of the work at 2,000 rows
Duals = Float[Tensor, "fit row"]
Solver = Callable[[Duals], Duals]


class Kernel:
    """K = X X' of standardised training rows; `a` holds one row of dual weights for each fit."""

    def __init__(self, X: Float[Tensor, "row d_model"]) -> None:
        self.X = X
        self.dense = X.shape[0] <= 2 * X.shape[1]
        self.gram = gram(X) if self.dense else X.T @ X

    def times(self, a: Duals) -> Duals:
        """a K."""
        return a @ self.gram if self.dense else (a @ self.X) @ self.X.T

    def weights(self, a: Duals) -> Float[Tensor, "fit d_model"]:
        """w = X'a."""
        return a @ self.X

    def solver(self, c: float) -> Solver:
        """The map q -> (I + c K)^-1 q, for c >= 0."""
        shifted = self.gram * c
        shifted.diagonal().add_(1)
        factor = torch.linalg.cholesky(shifted)
        if self.dense:
            return lambda q: torch.cholesky_solve(q.T, factor).T
        return lambda q: q - c * torch.cholesky_solve((q @ self.X).T, factor).T @ self.X.T


def gram(X: Float[Tensor, "row d_model"]) -> Float[Tensor, "row row"]:
    """X X', each product computed once: the diagonal halves recursively, the other block by transposing."""
    found = X.new_empty(len(X), len(X))
    _fill(found, X)
    return found


def _fill(found: Tensor, X: Tensor) -> None:
    if len(X) <= BLOCK:
        torch.mm(X, X.T, out=found)
        return
    half = len(X) // 2
    _fill(found[:half, :half], X[:half])
    _fill(found[half:, half:], X[half:])
    found[half:, :half] = X[half:] @ X[:half].T
    found[:half, half:] = found[half:, :half].T
