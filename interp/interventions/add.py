"""Add a direction: h <- h + alpha * v (activation addition, Turner et al. 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.interventions.base import Intervention, broadcast, resid_post, strength
from interp.interventions.held import Given, Strength, tensor_of
from interp.interventions.where import EveryToken, Positions
from interp.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Add(Intervention):
    """h <- h + alpha * vector. `alpha` is in residual units: the norm of what is added if `vector` is a unit vector.

    A `Direction` acts at its own layer unless `layers` are given, so `Add(direction, 4)` adds 4 times its unit vector
    there; `Add.from_direction` counts in median residual norms instead.
    """

    AXES = {"vector": 2, "alpha": 1}  # noqa: RUF012
    vector: Given
    layers: Sequence[int] | Strength | None = None
    alpha: Strength | None = None
    positions: Positions = EveryToken()

    def __post_init__(self) -> None:
        layers, alpha = self.layers, self.alpha
        if isinstance(self.vector, Direction):
            if alpha is None:
                layers, alpha = None, layers
            layers = (self.vector.layer,) if layers is None else layers
        if layers is None or alpha is None:
            raise TriggerLensError(
                f"Add has no {'strength' if alpha is None else 'layers'}; write Add(vector, layers=(12,), alpha=4.0)"
            )
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "alpha", alpha)
        super().__post_init__()

    @classmethod
    def from_direction(
        cls,
        direction: Direction,
        alpha: float | int,
        *,
        layers: tuple[int, ...] | None = None,
        positions: Positions = EveryToken(),
    ) -> "Add":
        """`alpha` is in median residual norms at the direction's site; without `layers` it acts at its own layer."""
        return cls(direction, layers, alpha * direction.scale, positions)

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        return resid_post(lm, self.layers)

    def decided_by(self) -> list[Tensor]:
        return self.per_row()

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        added = broadcast(tensor_of(self.vector), hidden, batch)
        return hidden + strength(self.alpha, hidden, batch) * added
