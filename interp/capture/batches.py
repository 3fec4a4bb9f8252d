"""Batches: the prompt of each row of a forward pass, and the absolute token index of each position.

Captured and generated batches are padded on the right, so that a prompt's token i is column i and needs no attention
mask. During decoding, the columns after the prompt are answer tokens, and their positions continue the count.
Interventions read positions from here and never infer them from a shape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from interp.errors import TriggerLensError
from interp.prompts import Prompt, Span

PADDING = -1
MISSING = Span(-1, -1)


@dataclass
class Batch:
    """The forward pass that is about to run; the caller that runs it keeps the first two fields up to date.

    `prompt` indexes into the prompts that interventions' per-row vectors are aligned with.
    """

    prompt: Int[Tensor, " row"]
    positions: Int[Tensor, "row token"]
    prompts: Sequence[Prompt]
    # set while one row stands for several prompts: each of these prompts, and the row that is read for it
    shared_by: tuple[Int[Tensor, " reader"], Int[Tensor, " reader"]] | None = None
    _bounds: dict[str, Tensor] = field(default_factory=dict, repr=False)
    _lengths: Tensor | None = field(default=None, repr=False)

    def inside(self, name: str) -> Bool[Tensor, "row token"]:
        """Where the span called `name` is."""
        start, stop = self.bounds(name)
        return (self.positions >= start[:, None]) & (self.positions < stop[:, None])

    def bounds(self, name: str) -> tuple[Int[Tensor, " row"], Int[Tensor, " row"]]:
        """First and one-past-last absolute index of the span called `name`, per row."""
        if name not in self._bounds:
            spans = [prompt.spans.get(name, MISSING) for prompt in self.prompts]
            self._bounds[name] = torch.tensor([(span.start, span.stop) for span in spans])
        start, stop = self._bounds[name].to(self.prompt.device)[self.prompt].unbind(-1)
        if bool((start < 0).any()):
            self._refuse(int(self.prompt[start < 0][0]), name)
        return start, stop

    def answer(self) -> Bool[Tensor, "row token"]:
        """Where the answer tokens are: everything after the prompt."""
        if self._lengths is None:
            self._lengths = torch.tensor([len(prompt) for prompt in self.prompts])
        return self.positions >= self._lengths.to(self.prompt.device)[self.prompt][:, None]

    def _refuse(self, row: int, name: str) -> NoReturn:
        prompt = self.prompts[row]
        raise TriggerLensError(
            f"prompt {row} ({prompt.condition}, {prompt.question}) has no span {name!r}; "
            f"it has {', '.join(sorted(prompt.spans))}"
        )


def by_length(lengths: Sequence[int]) -> list[int]:
    """Row numbers, longest first, so that batches need little padding and a row that does not fit fails at once."""
    return sorted(range(len(lengths)), key=lambda row: -lengths[row])


def fill(lengths: Iterable[int], tokens: int, rows: int | None = None) -> int:
    """How many of these sequences (longest first, at least one) fit into `tokens` padded tokens and `rows` rows."""
    width = count = 0
    for length in lengths:
        width = max(width, length)
        if count and ((count + 1) * width > tokens or count == rows):
            break
        count += 1
    return count


def pad_right(
    sequences: Sequence[Sequence[int]], pad_id: int, device: torch.device | str = "cpu"
) -> tuple[Int[Tensor, "row token"], Int[Tensor, "row token"]]:
    """Token ids and absolute positions (PADDING where there is no token)."""
    width = max((len(sequence) for sequence in sequences), default=0)
    ids = [[*sequence, *[pad_id] * (width - len(sequence))] for sequence in sequences]
    positions = [
        [*range(len(sequence)), *[PADDING] * (width - len(sequence))] for sequence in sequences
    ]
    shape = (len(sequences), width)
    return (
        torch.tensor(ids, dtype=torch.long, device=device).view(shape),
        torch.tensor(positions, dtype=torch.long, device=device).view(shape),
    )
