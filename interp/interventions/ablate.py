"""Remove a direction or a subspace from the stream (directional ablation, Arditi et al. 2024).

    Ablate           h <- h - (h . v) v          v a unit vector
    AblateSubspace   h <- h - B^T B h            the rows of B orthonormal

Both act after decoder layers, so a layer's MLP still reads what its own attention writes. `AblateWrites` leaves nothing
to read anywhere: the subspace is removed from the embeddings and from everything that each block adds. It is equivalent
to the changed weights of `interp.export.orthogonalise`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.capture.batches import Batch
from interp.capture.hook_points import EMBEDDINGS, HookPoint
from interp.capture.sites import check_layers
from interp.errors import TriggerLensError
from interp.interventions.base import Intervention, broadcast, in_batch, resid_post
from interp.interventions.held import Given, at_layer, tensor_of
from interp.interventions.where import EveryToken, Positions
from interp.models.language_model import LanguageModel

UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Ablate(Intervention):
    """h <- h - (h . v) v for a unit vector v, at `layers` (None: all), or one v per layer as a mapping.

    A zero row of a per-prompt vector leaves that prompt alone.
    """

    AXES = {"vector": 2}  # noqa: RUF012
    vector: Given | Mapping[int, Given]
    layers: Sequence[int] | None = None
    positions: Positions = EveryToken()

    def __post_init__(self) -> None:
        super().__post_init__()
        for vector in self.vectors():
            norms = vector.norm(dim=-1)
            allowed = (norms - 1).abs() < UNIT_TOLERANCE
            if vector.ndim == 2:
                allowed = allowed | (norms == 0)
            if not bool(allowed.all()):
                raise TriggerLensError(
                    f"Ablate needs unit vectors, got norm {norms[~allowed].flatten()[0]:.4g}; "
                    "divide by the norm"
                )

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        return resid_post(lm, _layers(self.vector, self.layers, lm))

    def decided_by(self) -> list[Tensor]:
        return self.per_row()

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        v = broadcast(at_layer(self.vector, place.layer), hidden, batch)
        return hidden - (hidden * v).sum(-1, keepdim=True) * v

    def acted(
        self, place: HookPoint, before: Tensor, after: Tensor, batch: Batch
    ) -> Bool[Tensor, "row 1"] | None:
        vector = at_layer(self.vector, place.layer)
        return None if vector.ndim == 1 else in_batch(vector, before, batch).any(-1, keepdim=True)


@dataclass(frozen=True, eq=False)
class AblateSubspace(Intervention):
    """h <- h - B^T B h at `layers` (None: all) for orthonormal rows of B, or one B per layer as a mapping.

    Zero rows of B remove nothing, so that prompts of one batch may lose subspaces of different ranks.
    """

    AXES = {"basis": 3}  # noqa: RUF012
    basis: Given | Mapping[int, Given]
    layers: Sequence[int] | None = None
    positions: Positions = EveryToken()

    def __post_init__(self) -> None:
        super().__post_init__()
        for basis in self.vectors():
            check_orthonormal(basis)

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        return resid_post(lm, _layers(self.basis, self.layers, lm))

    def decided_by(self) -> list[Tensor]:
        return self.per_row()

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        return hidden - inside(at_layer(self.basis, place.layer), hidden, batch)

    def acted(
        self, place: HookPoint, before: Tensor, after: Tensor, batch: Batch
    ) -> Bool[Tensor, "row 1"] | None:
        basis = at_layer(self.basis, place.layer)
        if basis.ndim == 2:
            return None
        return in_batch(basis, before, batch).flatten(1).any(-1, keepdim=True)


@dataclass(frozen=True, eq=False)
class AblateWrites(Intervention):
    """Remove a subspace from the embeddings and from everything that attention and MLPs write, at every token."""

    AXES = {"basis": 3}  # noqa: RUF012
    basis: Given
    positions: Positions = EveryToken()

    def __post_init__(self) -> None:
        super().__post_init__()
        (basis,) = self.vectors()
        if basis.ndim == 3:
            raise TriggerLensError(
                f"AblateWrites.basis has shape {list(basis.shape)}; give rows [rank, d_model], for all prompts"
            )
        check_orthonormal(basis)

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        blocks = [
            HookPoint(at, site) for at in range(lm.n_layers) for site in ("attn_out", "mlp_out")
        ]
        return (EMBEDDINGS, *blocks)

    def decided_by(self) -> list[Tensor]:
        return self.per_row()

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        return hidden - inside(tensor_of(self.basis), hidden, batch)


def inside(basis: Tensor, hidden: Tensor, batch: Batch) -> Float[Tensor, "row token d_model"]:
    """The part of the stream that lies in the subspace."""
    basis = basis.to(hidden) if basis.ndim == 2 else in_batch(basis, hidden, batch)
    return hidden @ basis.mT @ basis


def check_orthonormal(basis: Tensor) -> None:
    """Raise unless the rows are orthonormal or zero."""
    products = basis.float() @ basis.float().mT
    expected = torch.diag_embed((products.diagonal(dim1=-2, dim2=-1) > 0.5).to(products))
    error = float((products - expected).abs().max().detach())
    if not error < UNIT_TOLERANCE:
        raise TriggerLensError(
            f"a subspace needs orthonormal rows, but their products are off by {error:.4g}; "
            "use interp.directions.orthonormal"
        )


def _layers(value: Any, layers: Sequence[int] | None, lm: LanguageModel) -> Sequence[int]:
    if layers is None:
        return tuple(value) if isinstance(value, Mapping) else range(lm.n_layers)
    wanted = check_layers(lm, layers)
    missing = set(wanted) - set(value) if isinstance(value, Mapping) else set()
    if missing:
        raise TriggerLensError(f"nothing to ablate was given for layer {min(missing)}")
    return wanted
