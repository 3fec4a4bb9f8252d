"""The swaps that subspaces are trained on, all on selection questions: for the claimed subspaces and their controls.

Every donor prompt asks another question than the prompt that receives it, so that a subspace that carries the question
gains nothing.

| kind | swaps |
|---|---|
| claimed | trigger into none gives the trigger's answer, none into trigger the other; equal conditions change nothing |
| shuffled | the same prompts and answers, but the donor's condition is drawn at random |
| other variable | a control's wording in the trigger's place |
| keeps | trigger into none and none into trigger, and nothing may change |
"""

import random
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from interp.generation.completions import Completions
from interp.optimise.interchange import Swap
from interp.prompts import PromptSet

NONE, TRIGGER = "none", "trigger"


class Material:
    """Answers to the same questions under several conditions, and the residual streams of their prompts."""

    def __init__(self, said: Mapping[str, Completions], streams: Mapping[str, Tensor]) -> None:
        self.said = said
        self.streams = streams

    def swap(self, into: str, donor: str | Sequence[str], then: str) -> Swap:
        """Donors of one condition (or one for each prompt) into another; the targets are the answers of `then`."""
        prompts = self.prompts(into)
        donors = [donor] * len(prompts) if isinstance(donor, str) else donor
        streams = {name: another(self.streams[name]) for name in dict.fromkeys(donors)}
        rows = [streams[name][row] for row, name in enumerate(donors)]
        return Swap(self.said[then], prompts, torch.stack(rows))

    def prompts(self, condition: str) -> PromptSet:
        """The prompts of a condition."""
        return self.said[condition].prompts

    def claimed(self, fires: str = TRIGGER) -> list[Swap]:
        """The swaps and target answers for a subspace that carries the variable."""
        return [
            self.swap(NONE, fires, fires),
            self.swap(fires, NONE, NONE),
            self.swap(fires, fires, fires),
            self.swap(NONE, NONE, NONE),
        ]

    def shuffled(self, seed: int) -> list[Swap]:
        """The same, with donors' conditions drawn at random, so that they say nothing about the answer."""
        rng = random.Random(f"interchange/{seed}")
        count = len(self.prompts(NONE))

        def drawn() -> list[str]:
            return [rng.choice((NONE, TRIGGER)) for _ in range(count)]

        return [
            self.swap(into, drawn(), then)
            for into, then in ((NONE, TRIGGER), (TRIGGER, NONE), (TRIGGER, TRIGGER), (NONE, NONE))
        ]

    def keeps(self) -> list[Swap]:
        """The swaps and target answers for a subspace that does not carry the variable."""
        return [self.swap(NONE, TRIGGER, NONE), self.swap(TRIGGER, NONE, TRIGGER)]


def another(streams: Tensor) -> Tensor:
    """For every prompt, the stream of the prompt with the next question."""
    return streams.roll(-1, 0)
