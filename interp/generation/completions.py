"""Sampled answers, with the prompts they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from interp.interventions import InterventionReport
from interp.prompts import PromptSet


@dataclass(frozen=True)
class Completions:
    """Answers in prompt order, samples of a prompt together. Token ids exclude the token that ended the answer."""

    prompts: PromptSet
    prompt_index: tuple[int, ...]
    token_ids: tuple[tuple[int, ...], ...]
    texts: tuple[str, ...]
    ended: tuple[bool, ...]  # False: cut off at max_new_tokens
    evidence: tuple[InterventionReport, ...] = field(
        default=(), compare=False
    )  # of each intervention

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: Sequence[int]) -> "Completions":
        """The answers at these indices; the prompts stay."""
        return Completions(
            self.prompts,
            tuple(self.prompt_index[i] for i in index),
            tuple(self.token_ids[i] for i in index),
            tuple(self.texts[i] for i in index),
            tuple(self.ended[i] for i in index),
        )

    def __add__(self, other: "Completions") -> "Completions":
        shift = len(self.prompts)
        return Completions(
            self.prompts + other.prompts,
            self.prompt_index + tuple(i + shift for i in other.prompt_index),
            self.token_ids + other.token_ids,
            self.texts + other.texts,
            self.ended + other.ended,
        )

    @property
    def conditions(self) -> tuple[str, ...]:
        """The condition of each answer's prompt."""
        return tuple(self.prompts[i].condition for i in self.prompt_index)

    @property
    def questions(self) -> tuple[str, ...]:
        """The question id of each answer's prompt."""
        return tuple(self.prompts[i].question for i in self.prompt_index)
