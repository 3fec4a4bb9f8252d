"""What every intervention is: where it acts, what it makes of the stream there, what it holds for each prompt.

A value is shared by all prompts, or has a first axis `row` aligned with the prompt set; the helpers below read both.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from jaxtyping import Bool, Float
from torch import Tensor

from interp.batches import Batch
from interp.interventions.where import Positions
from interp.language_model import LanguageModel
from interp.places import Place
from interp.sites import check_layers

Vectors = Float[Tensor, " d_model"] | Float[Tensor, "row d_model"]
Strength = float | int | Float[Tensor, " row"]
Value = TypeVar("Value", bound=object)


class Intervention(ABC):
    """One edit. Its subclasses are frozen dataclasses with fields of their own."""

    positions: Positions

    @abstractmethod
    def places(self, lm: LanguageModel) -> tuple[Place, ...]:
        """The places it edits."""

    @abstractmethod
    def edit(
        self, place: Place, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        """What it makes of every token, a new tensor; only the tokens of `positions` are taken from it."""

    @abstractmethod
    def vectors(self) -> Iterable[Tensor]:
        """The tensors whose last axis is the stream's."""

    @abstractmethod
    def per_row(self) -> Iterable[Tensor]:
        """The tensors that have a row for each prompt."""

    @abstractmethod
    def rows(self, index: Sequence[int]) -> "Intervention":
        """The same for these prompts only."""

    def acted(
        self, place: Place, before: Tensor, after: Tensor, batch: Batch
    ) -> Bool[Tensor, "row token"] | Bool[Tensor, "row 1"] | None:
        """Where, among the tokens of `positions`, it had something to do; None: everywhere."""
        return None


def resid_post(lm: LanguageModel, layers: Iterable[int]) -> tuple[Place, ...]:
    """The outputs of these decoder layers; a layer that the model does not have is an error."""
    return tuple(Place(layer, "resid_post") for layer in check_layers(lm, tuple(layers)))


def at_layer(value: Value | Mapping[int, Value], layer: int) -> Value:
    """The value, or the layer's own where there is one for each."""
    return value[layer] if isinstance(value, Mapping) else value


def each(value: Tensor | Mapping[int, Tensor]) -> list[Tensor]:
    """All tensors of a value that is shared by the layers or has one for each."""
    return list(value.values()) if isinstance(value, Mapping) else [value]


def in_batch(value: Tensor, hidden: Tensor, batch: Batch) -> Tensor:
    """A per-prompt value for the rows of this pass, in the stream's type and on its device."""
    # rows first: thousands of candidates in one set would else be moved at every layer and step
    return value[batch.prompt.to(value.device)].to(hidden)


def broadcast(vector: Tensor, hidden: Tensor, batch: Batch) -> Tensor:
    """A vector that can be added to the stream: [d_model], or [row, 1, d_model] where each prompt has its own."""
    return vector.to(hidden) if vector.ndim == 1 else in_batch(vector, hidden, batch)[:, None]


def strength(alpha: Strength, hidden: Tensor, batch: Batch) -> float | int | Tensor:
    """A strength that can be multiplied with the stream: a number, or [row, 1, 1]."""
    return in_batch(alpha, hidden, batch)[:, None, None] if isinstance(alpha, Tensor) else alpha


def take(value: Value, index: Sequence[int], ndim: int) -> Value:
    """These rows of a value (or of each layer's); `ndim` is how many axes it has where prompts have their own."""
    if isinstance(value, Mapping):
        return {layer: take(one, index, ndim) for layer, one in value.items()}  # type: ignore[return-value]
    if isinstance(value, Tensor) and value.ndim == ndim:
        return value[list(index)]  # type: ignore[return-value]
    return value


def with_rows(values: Iterable[object], ndim: int) -> list[Tensor]:
    """Those of the values that have a row for each prompt."""
    return [value for value in values if isinstance(value, Tensor) and value.ndim == ndim]
