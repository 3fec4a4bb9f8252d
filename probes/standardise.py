"""Centre every dimension and scale it to unit spread, using only the training rows.

A constant dimension carries no information: its scale is 0, which leaves it out. A dimension at a thousand times the
median then counts as much as any other.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

CONSTANT = 1e-5  # spread relative to the mean: below this, float32 holds only rounding errors


class Standard(NamedTuple):
    """rows * scale - centre * scale is the standardised row."""

    centre: Float[Tensor, " d_model"]
    scale: Float[Tensor, " d_model"]

    def __call__(self, rows: Float[Tensor, "row d_model"]) -> Float[Tensor, "row d_model"]:
        """Standardised rows."""
        return (rows - self.centre).mul_(self.scale)

    def undo(self, weights: Any, intercept: Any) -> tuple[Any, Any]:
        """Weights and intercept in the units of the rows: the same read-out."""
        raw = weights * self.scale
        return raw, intercept - raw @ self.centre


def standard(rows: Float[Tensor, "row d_model"]) -> Standard:
    """Mean and inverse spread of each dimension."""
    return standardised(rows)[0]


def standardised(
    rows: Float[Tensor, "row d_model"],
) -> tuple[Standard, Float[Tensor, "row d_model"]]:
    """Mean and inverse spread of each dimension, and the rows in those units."""
    even = torch.full((1, len(rows)), 1 / len(rows)).to(rows)
    centre = (even @ rows)[0]
    moved = rows - centre
    rounding = (even @ moved)[0]  # a long sum in float32 is off by more than CONSTANT
    centre, moved = centre + rounding, moved.sub_(rounding)
    spread = (even @ moved.square())[0].sqrt()
    constant: Bool[Tensor, " d_model"] = spread <= CONSTANT * centre.abs()
    found = Standard(centre, torch.where(constant, 0.0, 1 / spread))
    return found, moved.mul_(found.scale)
