"""Clamp or scale one feature of a sparse autoencoder, and leave the rest of the stream as it is.

    h <- h + decode(f') - decode(f),   f = encode(h),   f' = f with one feature set or multiplied

so the reconstruction error is kept (Templeton et al. 2024). Any object with `encode` and `decode` will do, such as the
SAEs of sae-lens, whose methods include their normalisation.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint
from interp.errors import TriggerLensError
from interp.interventions.base import Intervention, resid_post, strength
from interp.interventions.held import Strength
from interp.interventions.where import EveryToken, Positions
from interp.models.language_model import LanguageModel

Feature = int | Int[Tensor, " prompt"] | np.ndarray | Sequence[int]


@runtime_checkable
class Autoencoder(Protocol):
    """[..., d_model] to features and back."""

    def encode(self, x: Tensor, /) -> Tensor:
        """The features of each vector."""

    def decode(self, feature_acts: Tensor, /) -> Tensor:
        """Vectors from features; features may have more leading axes than were encoded."""


class FeatureEdit(Intervention):
    """Sets one feature to a value that the subclass computes; subclasses declare the fields, in their own order."""

    autoencoder: Autoencoder
    feature: Feature
    layer: int

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        return resid_post(lm, [self.layer])

    def decided_by(self) -> list[Tensor]:
        return self.per_row()

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        features = self.autoencoder.encode(hidden)
        index = _index(self.feature, features, batch)
        wanted = self._wanted(hidden, features, index, batch)
        return _moved(self.autoencoder, hidden, features, features.scatter(-1, index, wanted))

    @abstractmethod
    def _wanted(self, hidden: Tensor, features: Tensor, index: Tensor, batch: Batch) -> Tensor:
        """The feature's new values, [row, token, 1]."""


@dataclass(frozen=True, eq=False)
class ClampFeature(FeatureEdit):
    """Set a feature to `value`, in units of the feature; each prompt may have its own feature and value."""

    AXES = {"feature": 1, "value": 1}  # noqa: RUF012
    autoencoder: Autoencoder
    feature: Feature
    value: Strength
    layer: int
    positions: Positions = EveryToken()

    def _wanted(self, hidden: Tensor, features: Tensor, index: Tensor, batch: Batch) -> Tensor:
        value = strength(self.value, hidden, batch)
        return torch.ones_like(index, dtype=features.dtype) * value


@dataclass(frozen=True, eq=False)
class ScaleFeature(FeatureEdit):
    """Multiply a feature by `factor` (0 removes it); tokens where it is inactive are left alone."""

    AXES = {"feature": 1, "factor": 1}  # noqa: RUF012
    autoencoder: Autoencoder
    feature: Feature
    factor: Strength
    layer: int
    positions: Positions = EveryToken()

    def _wanted(self, hidden: Tensor, features: Tensor, index: Tensor, batch: Batch) -> Tensor:
        return features.gather(-1, index) * strength(self.factor, features, batch)

    def acted(
        self, place: HookPoint, before: Tensor, after: Tensor, batch: Batch
    ) -> Bool[Tensor, "row token"]:
        features = self.autoencoder.encode(before)
        return features.gather(-1, _index(self.feature, features, batch))[..., 0] != 0


def _index(feature: Any, features: Tensor, batch: Batch) -> Int[Tensor, "row token 1"]:
    """The feature of each row, as an index into the last axis."""
    chosen = torch.as_tensor(feature, device=features.device)
    if chosen.is_floating_point():
        raise TriggerLensError(
            f"feature {feature} is not a whole number; features are numbered from 0"
        )
    if not bool(((chosen >= 0) & (chosen < features.shape[-1])).all()):
        raise TriggerLensError(
            f"no feature {int(chosen.max())}: the autoencoder has {features.shape[-1]}, numbered from 0"
        )
    if chosen.ndim:
        chosen = chosen[batch.prompt.to(features.device)][:, None, None]
    return chosen.expand(*features.shape[:2], 1)


def _moved(
    autoencoder: Autoencoder, hidden: Tensor, features: Tensor, wanted: Tensor
) -> Float[Tensor, "row token d_model"]:
    """The stream plus the decoded change; both are decoded in one call, as a decoder may undo a norm only once."""
    after, before = autoencoder.decode(torch.stack([wanted, features])).unbind(0)
    return hidden + (after - before).to(hidden.dtype)
