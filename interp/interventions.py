"""Edits of the residual stream: add a direction, remove one, or put other activations in place.

    Add      h <- h + alpha * v           activation addition (Turner et al. 2023)
    Ablate   h <- h - (h . v) v           directional ablation, v a unit vector (Arditi et al. 2024)
    Patch    h <- h'                      activation patching (Vig et al. 2020)

Vectors are shared by all rows or given per prompt (`[row, d_model]`, aligned with the prompt set), so that twenty
random directions run in one batch. They act on answers too: every decoded token passes the same site. The first answer
token is predicted at the last prompt token, which belongs to the span "header" and not to `AnswerTokens`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.batches import Batch
from interp.directions import Direction
from interp.language_model import LanguageModel
from interp.sites import check_layers, hooked

UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class EveryToken:
    """All tokens of prompt and answer."""


@dataclass(frozen=True)
class PromptSpan:
    """The tokens of one named span of the prompt: "framing", "question" or "header"."""

    name: str


@dataclass(frozen=True)
class AnswerTokens:
    """The tokens of the answer."""


Positions = EveryToken | PromptSpan | AnswerTokens


@dataclass(frozen=True, eq=False)
class Add:
    """h <- h + alpha * vector. `alpha` is in residual units: the norm of what is added if `vector` is a unit vector."""

    vector: Float[Tensor, " d_model"] | Float[Tensor, "row d_model"]
    layers: tuple[int, ...]
    alpha: float | int | Float[Tensor, " row"]
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

    def rows(self, index: Sequence[int]) -> "Add":
        """The same for these prompts only."""
        alpha = self.alpha[list(index)] if isinstance(self.alpha, Tensor) else self.alpha
        return replace(self, vector=_take(self.vector, index), alpha=alpha)


Vectors = Float[Tensor, " d_model"] | Float[Tensor, "row d_model"]


@dataclass(frozen=True, eq=False)
class Ablate:
    """h <- h - (h . v) v for a unit vector v, at `layers` (None: all), or one v per layer as a mapping.

    A zero row of a per-prompt vector leaves that prompt alone.
    """

    vector: Vectors | Mapping[int, Vectors]
    layers: tuple[int, ...] | None = None
    positions: Positions = EveryToken()

    def __post_init__(self) -> None:
        for vector in self.vector.values() if isinstance(self.vector, Mapping) else [self.vector]:
            norms = vector.norm(dim=-1)
            allowed = (norms - 1).abs() < UNIT_TOLERANCE
            if vector.ndim == 2:
                allowed = allowed | (norms == 0)
            if not bool(allowed.all()):
                raise ValueError(
                    f"Ablate wants unit vectors, got norm {norms[~allowed].flatten()[0]:.4g}; "
                    "divide by the norm"
                )

    def rows(self, index: Sequence[int]) -> "Ablate":
        """The same for these prompts only."""
        if isinstance(self.vector, Mapping):
            return replace(self, vector={k: _take(v, index) for k, v in self.vector.items()})
        return replace(self, vector=_take(self.vector, index))


@dataclass(frozen=True, eq=False)
class Patch:
    """h <- values at one span of the prompt; `values[layer]` is [row, token of the span, d_model]."""

    values: Mapping[int, Float[Tensor, "row token d_model"]]
    positions: PromptSpan

    def rows(self, index: Sequence[int]) -> "Patch":
        """The same for these prompts only."""
        return replace(self, values={k: v[list(index)] for k, v in self.values.items()})


Intervention = Add | Ablate | Patch


@contextmanager
def intervening(
    lm: LanguageModel, interventions: Sequence[Intervention], batch: Batch
) -> Iterator[None]:
    """Apply the interventions, in order, to every forward pass in the body; `batch` says what that pass holds."""
    by_layer: dict[int, list[Intervention]] = {}
    for intervention in interventions:
        _check_rows(intervention, len(batch.prompts))
        for layer in check_layers(lm, _layers(intervention, lm.n_layers)):
            by_layer.setdefault(layer, []).append(intervention)

    def edit(layer: int, hidden: Tensor) -> Tensor:
        for intervention in by_layer[layer]:
            hidden = apply(intervention, layer, hidden, batch)
        return hidden

    edits = {layer: lambda hidden, layer=layer: edit(layer, hidden) for layer in by_layer}
    with hooked(lm, edits):
        yield


def apply(
    intervention: Intervention,
    layer: int,
    hidden: Float[Tensor, "row token d_model"],
    batch: Batch,
) -> Float[Tensor, "row token d_model"]:
    """The edited residual stream, a new tensor."""
    match intervention:
        case Add(vector, _, alpha, positions):
            if isinstance(alpha, Tensor):
                alpha = _per_row(alpha, batch).to(hidden.device)[:, None, None]
            edited = hidden + alpha * _rowwise(vector, hidden, batch)
        case Ablate(vector, _, positions):
            v = _rowwise(vector[layer] if isinstance(vector, Mapping) else vector, hidden, batch)
            edited = hidden - (hidden * v).sum(-1, keepdim=True) * v
        case Patch(values, positions):
            edited = _patched(values[layer], positions, hidden, batch)
    mask = _mask(positions, batch)
    # a layer may live on another device than the batch's bookkeeping
    return (
        edited if mask is None else torch.where(mask.to(hidden.device)[:, :, None], edited, hidden)
    )


def _layers(intervention: Intervention, n_layers: int) -> tuple[int, ...]:
    match intervention:
        case Add(layers=layers):
            return layers
        case Ablate(vector=Mapping() as vectors, layers=layers):
            return tuple(vectors) if layers is None else layers
        case Ablate(layers=layers):
            return tuple(range(n_layers)) if layers is None else layers
        case Patch(values=values):
            return tuple(values)


def _mask(positions: Positions, batch: Batch) -> Bool[Tensor, "row token"] | None:
    match positions:
        case EveryToken():
            return None
        case PromptSpan(name):
            return batch.inside(name)
        case AnswerTokens():
            return batch.answer()


def _rowwise(vector: Tensor, hidden: Tensor, batch: Batch) -> Tensor:
    """The vector in the residual stream's type; per-prompt vectors become [row, 1, d_model]."""
    if vector.ndim == 1:
        return vector.to(hidden)
    # rows first: thousands of candidates in one set would else be moved at every layer and step
    return vector[batch.prompt.to(vector.device)].to(hidden)[:, None]


def _per_row(values: Float[Tensor, " prompt"], batch: Batch) -> Float[Tensor, " row"]:
    return values.to(batch.prompt.device)[batch.prompt]


def _patched(values: Tensor, where: PromptSpan, hidden: Tensor, batch: Batch) -> Tensor:
    """Values laid over each row so that token 0 stands at the start of the row's span."""
    start, stop = batch.bounds(where.name)
    wrong = (stop - start) != values.shape[1]
    if bool(wrong.any()):
        raise ValueError(
            f"Patch holds {values.shape[1]} tokens, span {where.name!r} has "
            f"{int((stop - start)[wrong][0])}; patch spans of equal length"
        )
    offset = (batch.positions - start[:, None]).clamp(0, values.shape[1] - 1)
    chosen = values.to(hidden)[batch.prompt]
    return chosen.gather(1, offset[:, :, None].expand(-1, -1, chosen.shape[-1]))


def _check_rows(intervention: Intervention, prompts: int) -> None:
    match intervention:
        case Add(vector, _, alpha):
            tensors = [vector] if vector.ndim == 2 else []
            tensors += [alpha] if isinstance(alpha, Tensor) else []
        case Ablate(vector):
            vectors = vector.values() if isinstance(vector, Mapping) else [vector]
            tensors = [each for each in vectors if each.ndim == 2]
        case Patch(values):
            tensors = list(values.values())
    for tensor in tensors:
        if len(tensor) != prompts:
            raise ValueError(
                f"{type(intervention).__name__} holds {len(tensor)} rows for {prompts} prompts; "
                "per-row values are aligned with the prompt set"
            )


def _take(vector: Tensor, index: Sequence[int]) -> Tensor:
    return vector[list(index)] if vector.ndim == 2 else vector
