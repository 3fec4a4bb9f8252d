"""Replace the stream by a mean: all of it, or its part in a subspace.

    h <- mean                          without a basis
    h <- h - B^T B (h - mean)          with one: the coordinates in the subspace become the mean's

Mean ablation keeps the stream in the range that later layers are used to; zero ablation may not (Wang et al. 2022).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from interp.activations import Activations
from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint
from interp.errors import TriggerLensError
from interp.interventions.ablate import check_orthonormal, inside
from interp.interventions.base import Intervention, broadcast, resid_post
from interp.interventions.held import Given, at_layer, tensors
from interp.interventions.where import EveryToken, Positions
from interp.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class MeanAblate(Intervention):
    """Replaces the stream after each layer of `mean` by `mean[layer]`, or only the stream's part in the subspace."""

    AXES = {"mean": 2, "basis": 3}  # noqa: RUF012
    mean: Mapping[int, Given]
    basis: Given | Mapping[int, Given] | None = None
    positions: Positions = EveryToken()

    def __post_init__(self) -> None:
        if not isinstance(self.mean, Mapping):
            raise TriggerLensError(
                f"MeanAblate.mean is {type(self.mean).__name__}; give a mapping such as {{12: mean}}"
            )
        super().__post_init__()
        for basis in tensors(self.basis):
            check_orthonormal(basis)
        missing = set(self.mean) - set(self.basis) if isinstance(self.basis, Mapping) else set()
        if missing:
            raise TriggerLensError(
                f"MeanAblate has a mean but no subspace for layer {min(missing)}"
            )

    @classmethod
    def of(
        cls,
        reference: Activations,
        *,
        basis: Given | Mapping[int, Given] | None = None,
        positions: Positions = EveryToken(),
    ) -> "MeanAblate":
        """The mean over the rows of some activations, at each of their layers."""
        if reference.site != "resid_post":
            raise TriggerLensError(
                f"means replace resid_post, but these activations are {reference.site}; capture resid_post"
            )
        means = reference.values.mean(0)
        mean = {layer: means[at] for at, layer in enumerate(reference.layers)}
        return cls(mean, basis, positions)

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        return resid_post(lm, self.mean)

    def decided_by(self) -> list[Tensor]:
        return self.per_row()

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        mean = broadcast(at_layer(self.mean, place.layer), hidden, batch)
        if self.basis is None:
            return mean.expand_as(hidden).clone()
        return hidden - inside(at_layer(self.basis, place.layer), hidden - mean, batch)
