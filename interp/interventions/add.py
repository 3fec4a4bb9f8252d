"""Add a direction: h <- h + alpha * v (activation addition, Turner et al. 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from interp.batches import Batch
from interp.directions import Direction
from interp.interventions.base import (
    Intervention,
    Strength,
    Vectors,
    broadcast,
    resid_post,
    strength,
    take,
    with_rows,
)
from interp.interventions.where import EveryToken, Positions
from interp.language_model import LanguageModel
from interp.places import Place


@dataclass(frozen=True, eq=False)
class Add(Intervention):
    """h <- h + alpha * vector. `alpha` is in residual units: the norm of what is added if `vector` is a unit vector."""

    vector: Vectors
    layers: tuple[int, ...]
    alpha: Strength
    positions: Positions = EveryToken()

    @classmethod
    def from_direction(
        cls,
        direction: Direction,
        alpha: float | int,
        *,
        layers: tuple[int, ...] | None = None,
        positions: Positions = EveryToken(),
    ) -> "Add":
        """`alpha` counts median residual norms at the direction's site; its own layer unless told otherwise."""
        chosen = (direction.layer,) if layers is None else layers
        return cls(direction.vector, chosen, alpha * direction.scale, positions)

    def places(self, lm: LanguageModel) -> tuple[Place, ...]:
        return resid_post(lm, self.layers)

    def edit(
        self, place: Place, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        return hidden + strength(self.alpha, hidden, batch) * broadcast(self.vector, hidden, batch)

    def vectors(self) -> list[Tensor]:
        return [self.vector]

    def per_row(self) -> list[Tensor]:
        return [*with_rows([self.vector], 2), *with_rows([self.alpha], 1)]

    def rows(self, index: Sequence[int]) -> "Add":
        return replace(self, vector=take(self.vector, index, 2), alpha=take(self.alpha, index, 1))
