"""The interface of interventions: where one acts, how it edits the stream there, which values it has for each prompt.

A value is shared by all prompts, or has a first axis `row` aligned with the prompt set; the helpers below read both.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from jaxtyping import Bool, Float
from torch import Tensor

from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint
from interp.capture.sites import check_layers
from interp.directions import Direction
from interp.interventions.held import directions, held, tensors
from interp.interventions.where import Positions
from interp.models.language_model import LanguageModel


class Intervention(ABC):
    """One edit. Its subclasses are frozen dataclasses with fields of their own.

    `AXES` names the fields that may differ between prompts, with their number of axes in that case; with two or more,
    the last is the stream's. These fields are checked when the intervention is made, see `interp.interventions.held`.
    """

    AXES: ClassVar[Mapping[str, int]] = {}
    positions: Positions

    def __post_init__(self) -> None:
        left_out = {field.name for field in fields(self) if field.default is None}  # type: ignore[arg-type]
        for name, axes in self.AXES.items():
            if getattr(self, name) is None and name in left_out:
                continue
            checked = held(getattr(self, name), axes, f"{type(self).__name__}.{name}")
            object.__setattr__(self, name, checked)

    @abstractmethod
    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        """The places it edits."""

    @abstractmethod
    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        """The edited stream at every token, as a new tensor; only the tokens of `positions` are used."""

    def vectors(self) -> list[Tensor]:
        """The tensors whose last axis is the stream's."""
        streams = [name for name, axes in self.AXES.items() if axes > 1]
        return [tensor for name in streams for tensor in tensors(getattr(self, name))]

    def per_row(self) -> list[Tensor]:
        """The tensors that have a row for each prompt."""
        return [
            tensor
            for name, axes in self.AXES.items()
            for tensor in tensors(getattr(self, name))
            if tensor.ndim == axes
        ]

    def decided_by(self) -> list[Tensor] | None:
        """The per-prompt tensors that an edit depends on besides the stream; None if it depends on the prompt itself.

        Prompts that begin alike and have the same rows here are read once, see `interp.generation.shared_beginnings`.
        """
        return None

    def directions(self) -> list[Direction]:
        """The directions it was given, each of which belongs to the weights that it was fitted to."""
        return [direction for name in self.AXES for direction in directions(getattr(self, name))]

    def acted(
        self, place: HookPoint, before: Tensor, after: Tensor, batch: Batch
    ) -> Bool[Tensor, "row token"] | Bool[Tensor, "row 1"] | None:
        """Where, among the tokens of `positions`, it had something to do; None: everywhere."""
        return None


def resid_post(lm: LanguageModel, layers: Any) -> tuple[HookPoint, ...]:
    """The outputs of these decoder layers; a layer that the model does not have is an error."""
    return tuple(HookPoint(layer, "resid_post") for layer in check_layers(lm, layers))


def in_batch(value: Tensor, hidden: Tensor, batch: Batch) -> Tensor:
    """A per-prompt value for the rows of this pass, in the stream's type and on its device."""
    # select rows first: otherwise a set of thousands of candidates would be moved at every layer and step
    return value[batch.prompt.to(value.device)].to(hidden)


def broadcast(vector: Tensor, hidden: Tensor, batch: Batch) -> Tensor:
    """A vector that can be added to the stream: [d_model], or [row, 1, d_model] where each prompt has its own."""
    return vector.to(hidden) if vector.ndim == 1 else in_batch(vector, hidden, batch)[:, None]


def strength(alpha: Any, hidden: Tensor, batch: Batch) -> float | int | Tensor:
    """A strength that can be multiplied with the stream: a number, or [row, 1, 1] where each prompt has its own."""
    if not isinstance(alpha, Tensor):
        return alpha
    return in_batch(alpha, hidden, batch)[:, None, None] if alpha.ndim else alpha.to(hidden)
