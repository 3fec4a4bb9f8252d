"""Which tokens of which sequences a reading takes, and how they are selected from a layer's output.

A reading and its sequences are laid out once (`Layout`), so that the row of every vector is known before the model
runs; each batch then uses the flat indices of its tokens (`Gather`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.capture.hook_points import HookPoint
from interp.capture.positions import Each, Position, name_of
from interp.capture.sequences import TokenSequence
from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Reading:
    """One thing to read: a position at one site of some layers; only `measure` of the vectors is kept, if given."""

    position: Position
    layers: tuple[int, ...]
    site: str = "resid_post"
    measure: Callable[[Tensor], Tensor] | None = None

    @property
    def places(self) -> list[HookPoint]:
        """The places it needs."""
        return [HookPoint(layer, self.site) for layer in self.layers]


@dataclass(frozen=True)
class Layout:
    """The tokens taken from each sequence, and the first row that each sequence fills."""

    tokens: tuple[Sequence[int], ...]
    each: bool
    first: tuple[int, ...]  # one more than there are sequences: the last is the number of rows

    @classmethod
    def of(cls, position: Position, sequences: Sequence[TokenSequence]) -> "Layout":
        """Ask the position for the tokens of every sequence."""
        tokens = tuple(_tokens(position, sequence) for sequence in sequences)
        each = isinstance(position, Each)
        counts = (len(chosen) if each else 1 for chosen in tokens)
        return cls(tokens, each, tuple(accumulate(counts, initial=0)))

    @property
    def source(self) -> tuple[int, ...]:
        """The sequence of each row."""
        return tuple(
            sequence
            for sequence in range(len(self.tokens))
            for _ in range(self.first[sequence], self.first[sequence + 1])
        )

    @property
    def token(self) -> tuple[int | None, ...]:
        """The token of each row; None for a mean over several."""
        if self.each:
            return tuple(token for chosen in self.tokens for token in chosen)
        return tuple(chosen[0] if len(chosen) == 1 else None for chosen in self.tokens)

    def rows(self, sequences: Sequence[int]) -> list[int]:
        """The rows that these sequences fill, in their order."""
        return [row for each in sequences for row in range(self.first[each], self.first[each + 1])]

    def gather(self, sequences: Sequence[int], width: int, device: torch.device) -> "Gather":
        """How to take the tokens of these sequences out of a batch padded to `width`."""
        chosen = [self.tokens[sequence] for sequence in sequences]
        flat = [row * width + token for row, each in enumerate(chosen) for token in each]
        lengths = [len(each) for each in chosen]
        means = not self.each and max(lengths) > 1
        return Gather(
            torch.tensor(flat, device=device),
            torch.tensor(lengths, device=device) if means else None,
        )


@dataclass(frozen=True)
class Gather:
    """Indices into the flattened tokens of a batch; `lengths` are those of the runs to average, or None."""

    index: Int[Tensor, " token"]
    lengths: Int[Tensor, " row"] | None

    def __call__(
        self, hidden: Float[Tensor, "batch token d_model"]
    ) -> Float[Tensor, "row d_model"]:
        """The chosen vectors in float32."""
        taken = hidden.flatten(0, 1).index_select(0, self.index).float()
        if self.lengths is None:
            return taken
        return torch.segment_reduce(taken, "mean", lengths=self.lengths, unsafe=True)


def _tokens(position: Position, sequence: TokenSequence) -> Sequence[int]:
    try:
        tokens = position(len(sequence), sequence.spans)
    except ValueError as error:
        raise TriggerLensError(f"{sequence}: {error}") from error
    if not len(tokens):
        raise TriggerLensError(f"{sequence}: {name_of(position)} chooses no token")
    outside = [token for token in tokens if not 0 <= token < len(sequence)]
    if outside:
        raise TriggerLensError(
            f"{sequence}: {name_of(position)} chooses token {outside[0]} of {len(sequence)}"
        )
    return tokens
