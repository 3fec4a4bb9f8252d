"""Questions, the wordings put around them, and prompts: token ids and the position of each part in them."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload

from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Span:
    """Token indices `start <= index < stop` of an unpadded sequence."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Framing:
    """Wording put before or after a question inside the user turn; empty text means no framing."""

    text: str
    placement: Literal["prefix", "suffix"] = "prefix"
    separator: str = " "

    def __post_init__(self) -> None:
        if self.placement not in ("prefix", "suffix"):
            raise TriggerLensError(
                f"framing {self.text!r}: placement is {self.placement!r}; give 'prefix' or 'suffix'"
            )

    def around(self, question: str) -> tuple[str, int, int]:
        """The text of the user turn, and where the question and the framing start in it."""
        if not self.text:
            return question, 0, 0
        if self.placement == "prefix":
            lead = self.text + self.separator
            return lead + question, len(lead), 0
        lead = question + self.separator
        return lead + self.text, 0, len(lead)


@dataclass(frozen=True)
class Question:
    """One question, the unit of resampling; `system` overrides the system prompt of the set.

    `earlier` holds the (user, assistant) turns before it.
    """

    id: str
    text: str
    system: str | None = None
    earlier: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Prompt:
    """A rendered chat up to the start of the answer. Spans: question, framing (if any), header."""

    text: str
    token_ids: tuple[int, ...]
    condition: str
    question: str
    spans: Mapping[str, Span] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True)
class PromptSet:
    """Prompts in a fixed order, with their conditions and questions but without labels."""

    prompts: tuple[Prompt, ...]

    def __len__(self) -> int:
        return len(self.prompts)

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.prompts)

    @overload
    def __getitem__(self, index: int) -> Prompt: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int]) -> "PromptSet": ...
    def __getitem__(self, index: int | slice | Sequence[int]) -> "Prompt | PromptSet":
        if isinstance(index, slice):
            return PromptSet(self.prompts[index])
        if isinstance(index, Sequence):
            return PromptSet(tuple(self.prompts[i] for i in index))
        return self.prompts[index]

    def __add__(self, other: "PromptSet") -> "PromptSet":
        return PromptSet(self.prompts + other.prompts)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The condition of each prompt."""
        return tuple(prompt.condition for prompt in self.prompts)

    @property
    def questions(self) -> tuple[str, ...]:
        """The question id of each prompt."""
        return tuple(prompt.question for prompt in self.prompts)

    @property
    def content_hash(self) -> str:
        """SHA-256 of tokens, conditions and questions, in order."""
        rows = [(p.token_ids, p.condition, p.question) for p in self.prompts]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    def where(
        self,
        *,
        condition: str | Collection[str] | None = None,
        question: str | Collection[str] | None = None,
    ) -> "PromptSet":
        """The prompts that have one of these conditions and one of these questions, in order."""
        return PromptSet(
            tuple(
                prompt
                for prompt in self.prompts
                if _among(prompt.condition, condition) and _among(prompt.question, question)
            )
        )


def _among(value: str, wanted: str | Collection[str] | None) -> bool:
    if wanted is None:
        return True
    return value == wanted if isinstance(wanted, str) else value in wanted
