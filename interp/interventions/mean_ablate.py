"""Put a mean in the place of what is there: of everything, or of what lies in a subspace.

    h <- mean                          without a basis
    h <- h - B^T B (h - mean)          with one: the coordinates in the subspace become the mean's

Ablation by the mean keeps the stream where later layers are used to it; ablation by zero may not (Wang et al. 2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from interp.activations import Activations
from interp.batches import Batch
from interp.interventions.ablate import Basis, check_orthonormal, inside
from interp.interventions.base import (
    Intervention,
    Vectors,
    at_layer,
    broadcast,
    each,
    resid_post,
    take,
    with_rows,
)
from interp.interventions.where import EveryToken, Positions
from interp.language_model import LanguageModel
from interp.places import Place


@dataclass(frozen=True, eq=False)
class MeanAblate(Intervention):
    """`mean[layer]` in place of the stream after each of its layers, or of the stream's part in the subspace."""

    mean: Mapping[int, Vectors]
    basis: Basis | Mapping[int, Basis] | None = None
    positions: Positions = EveryToken()

    def __post_init__(self) -> None:
        if self.basis is None:
            return
        for basis in each(self.basis):
            check_orthonormal(basis)
        missing = set(self.mean) - set(self.basis) if isinstance(self.basis, Mapping) else set()
        if missing:
            raise ValueError(f"MeanAblate has a mean but no subspace for layer {min(missing)}")

    @classmethod
    def of(
        cls,
        reference: Activations,
        *,
        basis: Basis | Mapping[int, Basis] | None = None,
        positions: Positions = EveryToken(),
    ) -> "MeanAblate":
        """The mean over the rows of some activations, at each of their layers."""
        if reference.site != "resid_post":
            raise ValueError(f"means are put after layers, these are of {reference.site}")
        means = reference.values.mean(0)
        mean = {layer: means[at] for at, layer in enumerate(reference.layers)}
        return cls(mean, basis, positions)

    def places(self, lm: LanguageModel) -> tuple[Place, ...]:
        return resid_post(lm, self.mean)

    def edit(
        self, place: Place, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        mean = broadcast(self.mean[place.layer], hidden, batch)
        if self.basis is None:
            return mean.expand_as(hidden).clone()
        return hidden - inside(at_layer(self.basis, place.layer), hidden - mean, batch)

    def vectors(self) -> list[Tensor]:
        return [*each(self.mean), *([] if self.basis is None else each(self.basis))]

    def per_row(self) -> list[Tensor]:
        return with_rows(each(self.mean), 2)

    def rows(self, index: Sequence[int]) -> "MeanAblate":
        return replace(self, mean=take(self.mean, index, 2))
