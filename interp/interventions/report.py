"""What interventions did: the tokens of prompts and answers at which each one acted.

An intervention that never acted is an error, because the result would be that of the unedited model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint
from interp.errors import TriggerLensError
from interp.interventions.base import Intervention


@dataclass(frozen=True, eq=False)
class InterventionReport:
    """`acted[i, j]`: whether it acted on token j of prompt i; the count continues through the prompt's answers."""

    intervention: str
    places: tuple[HookPoint, ...]
    acted: Bool[Tensor, "prompt token"]
    prompt_lengths: tuple[int, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """The prompts that it acted on."""
        return tuple(self.acted.any(1).nonzero()[:, 0].tolist())

    def prompt_tokens(self, row: int) -> tuple[int, ...]:
        """The tokens of a prompt that it acted on."""
        return tuple(self.acted[row, : self.prompt_lengths[row]].nonzero()[:, 0].tolist())

    def answer_steps(self, row: int) -> tuple[int, ...]:
        """The tokens of a prompt's answers that it acted on; step 0 is the first token of an answer."""
        return tuple(self.acted[row, self.prompt_lengths[row] :].nonzero()[:, 0].tolist())

    def summary(self) -> dict[str, object]:
        """A summary for a manifest."""
        steps = [step for row in self.rows for step in self.answer_steps(row)]
        return {
            "intervention": self.intervention,
            "layers": sorted({place.layer for place in self.places}),
            "prompts": len(self.rows),
            "prompt_tokens": sum(len(self.prompt_tokens(row)) for row in self.rows),
            "answer_steps": len(steps),
            "last_step": max(steps, default=None),
        }


class InterventionLog:
    """Collects evidence over the batches of one run; call `check` when the run is over."""

    def __init__(self, interventions: Sequence[Intervention], prompt_lengths: Sequence[int]):
        self.interventions, self.prompt_lengths = tuple(interventions), tuple(prompt_lengths)
        count = len(self.prompt_lengths)
        self._counts = [torch.zeros(count, 0, dtype=torch.int32) for _ in self.interventions]
        self._places: list[set[HookPoint]] = [set() for _ in self.interventions]

    def write(
        self, number: int, place: HookPoint, batch: Batch, acted: Bool[Tensor, "row token"]
    ) -> None:
        """Record that intervention `number` acted at these tokens of a forward pass."""
        self.also(number, place)
        prompt, positions = batch.prompt, batch.positions
        if batch.shared_by is not None:
            prompt, rows = batch.shared_by
            positions, acted = positions[rows], acted[rows]
        counts = self._wide_enough(number, positions)
        where = (prompt[:, None].expand_as(positions), positions.clamp_min(0))
        counts.index_put_(where, acted.to(counts), accumulate=True)

    def also(self, number: int, place: HookPoint) -> None:
        """Record that it acted at this place too, at the same tokens."""
        self._places[number].add(place)

    def _wide_enough(self, number: int, positions: Int[Tensor, "row token"]) -> Tensor:
        counts = self._counts[number].to(positions.device)
        short = int(positions.max()) + 1 - counts.shape[1]
        if short > 0:
            more = max(short, 64)  # grow in steps, since decoding adds one token at a time
            counts = torch.cat([counts, counts.new_zeros(len(counts), more)], 1)
        self._counts[number] = counts
        return counts

    def evidence(self) -> tuple[InterventionReport, ...]:
        """What each intervention has done so far."""
        return tuple(
            InterventionReport(
                type(intervention).__name__,
                tuple(sorted(self._places[number])),
                _trimmed(self._counts[number].cpu() > 0),
                self.prompt_lengths,
            )
            for number, intervention in enumerate(self.interventions)
        )

    def check(self) -> tuple[InterventionReport, ...]:
        """The evidence, or an error that names an intervention that never acted."""
        found = self.evidence()
        for intervention, each in zip(self.interventions, found, strict=True):
            if not each.rows:
                raise TriggerLensError(
                    f"{each.intervention} at {intervention.positions} never acted: no token of this run "
                    "is at these positions, or it had nothing to do; leave it out or choose other positions"
                )
        return found


def _trimmed(acted: Bool[Tensor, "prompt token"]) -> Bool[Tensor, "prompt kept"]:
    """Without the columns at the end in which it did not act."""
    columns = acted.any(0).nonzero()[:, 0]
    return acted[:, : int(columns[-1]) + 1 if len(columns) else 0]
