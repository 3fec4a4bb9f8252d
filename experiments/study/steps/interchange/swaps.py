"""The swaps that subspaces are trained on, all of selection questions: the claimed ones, and those of its controls.

Every donor answers another question than the prompt it goes into, so that a subspace that carries the question gains
nothing.

| kind | swaps |
|---|---|
| claimed | trigger into none brings the trigger's answer, none into trigger takes it, equals change nothing |
| shuffled | the same prompts and answers, but which of the two donates is drawn by chance |
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
    """Answers to the same questions under several conditions, and the streams of their prompts."""

    def __init__(self, said: Mapping[str, Completions], streams: Mapping[str, Tensor]) -> None:
        self.said = said
        self.streams = streams

    def swap(self, into: str, donor: str | Sequence[str], then: str) -> Swap:
        """Donors of a condition (or one for each prompt) into another, which then answers as a third."""
        prompts = self.prompts(into)
        donors = [donor] * len(prompts) if isinstance(donor, str) else donor
        streams = {name: another(self.streams[name]) for name in dict.fromkeys(donors)}
        rows = [streams[name][row] for row, name in enumerate(donors)]
        return Swap(self.said[then], prompts, torch.stack(rows))

    def prompts(self, condition: str) -> PromptSet:
        """The prompts of a condition."""
        return self.said[condition].prompts

    def claimed(self, fires: str = TRIGGER) -> list[Swap]:
        """What a subspace that carries the variable does."""
        return [
            self.swap(NONE, fires, fires),
            self.swap(fires, NONE, NONE),
            self.swap(fires, fires, fires),
            self.swap(NONE, NONE, NONE),
        ]

    def shuffled(self, seed: int) -> list[Swap]:
        """The donor's condition says nothing about the answer."""
        rng = random.Random(f"interchange/{seed}")
        count = len(self.prompts(NONE))

        def drawn() -> list[str]:
            return [rng.choice((NONE, TRIGGER)) for _ in range(count)]

        return [
            self.swap(into, drawn(), then)
            for into, then in ((NONE, TRIGGER), (TRIGGER, NONE), (TRIGGER, TRIGGER), (NONE, NONE))
        ]

    def keeps(self) -> list[Swap]:
        """What a subspace that does not carry the variable does."""
        return [self.swap(NONE, TRIGGER, NONE), self.swap(TRIGGER, NONE, TRIGGER)]


def another(streams: Tensor) -> Tensor:
    """For every prompt the stream of the next question's."""
    return streams.roll(-1, 0)
