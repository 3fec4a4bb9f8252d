"""Render questions under framings into chats whose parts are known token by token.

Method:
1. The framing goes before or after the question inside the user turn; the model's own chat template does the rest.
2. The template is rendered once with a marker in place of the user turn. What stands around the marker must stand
   around the real user turn too, so a template that rewrites its content is refused instead of mislocated.
3. System prompt, template variables and BOS are as a `ChatFormat` says.
4. Spans are absolute token indices of the unpadded prompt; a token that overlaps a part's characters belongs to it.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, overload

from interp.chat import MARKER, ChatFormat, check_halves, encode, rendered


@dataclass(frozen=True)
class Span:
    """Token indices `start <= index < stop` of an unpadded sequence."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Framing:
    """Wording put around a question inside the user turn; empty text means no framing."""

    text: str
    placement: Literal["prefix", "suffix"] = "prefix"
    separator: str = " "

    def __post_init__(self) -> None:
        if self.placement not in ("prefix", "suffix"):
            raise ValueError(
                f"framing {self.text!r}: placement is {self.placement!r}; give 'prefix' or 'suffix'"
            )

    def around(self, question: str) -> tuple[str, int, int]:
        """The user turn, and where the question and the framing start in it."""
        if not self.text:
            return question, 0, 0
        if self.placement == "prefix":
            lead = self.text + self.separator
            return lead + question, len(lead), 0
        lead = question + self.separator
        return lead + self.text, 0, len(lead)


@dataclass(frozen=True)
class Question:
    """One question, the unit that is resampled; `system` overrides the system prompt of the set."""

    id: str
    text: str
    system: str | None = None


@dataclass(frozen=True)
class Prompt:
    """A rendered chat up to where the answer starts. Spans: question, framing (if any), header."""

    text: str
    token_ids: tuple[int, ...]
    condition: str
    question: str
    spans: Mapping[str, Span] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True)
class PromptSet:
    """Prompts in a fixed order; knows conditions and questions, never labels."""

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
        """The prompts of these conditions and questions, in order."""
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


def render(
    tokenizer: Any,
    questions: Sequence[Question],
    framings: Mapping[str, Framing],
    *,
    system: str | None = None,
    chat: ChatFormat = ChatFormat(),  # noqa: B008
) -> PromptSet:
    """Every question under every framing (condition by condition), as the model's template writes it.

    The system prompt is the question's own, else `system`, else that of `chat`.
    """
    chat = chat if system is None else replace(chat, system=system)
    drafts = [
        (_draft(tokenizer, question, framing, chat), condition, question.id)
        for condition, framing in framings.items()
        for question in questions
    ]
    if not drafts:
        return PromptSet(())
    encoded = encode(tokenizer, [draft.text for draft, _, _ in drafts])
    return PromptSet(
        tuple(
            Prompt(draft.text, tuple(ids), condition, question, _spans(draft.parts, offsets))
            for (draft, condition, question), (ids, offsets) in zip(drafts, encoded, strict=True)
        )
    )


@dataclass(frozen=True)
class _Draft:
    text: str
    parts: dict[str, tuple[int, int]]  # characters


def _draft(tokenizer: Any, question: Question, framing: Framing, chat: ChatFormat) -> _Draft:
    content, question_at, framing_at = framing.around(question.text)
    chat = chat if question.system is None else replace(chat, system=question.system)
    before, after = _user_turn(tokenizer, MARKER, chat).split(MARKER)
    text = check_halves(_user_turn(tokenizer, content, chat))
    if text != before + content + after:
        raise ValueError(
            f"the chat template rewrites the user turn of question {question.id!r}; remove leading and trailing"
            f" blanks, or whatever else it strips: {_shown(content)}"
        )
    start, stop = len(before), len(before) + len(content)
    parts = {"question": (start + question_at, start + question_at + len(question.text))}
    if framing.text:
        parts["framing"] = (start + framing_at, start + framing_at + len(framing.text))
    parts["header"] = (stop, len(text))
    return _Draft(text, parts)


def _shown(content: str) -> str:
    """The ends of a user turn, where templates strip."""
    ends = content if len(content) <= 60 else f"{content[:30]} ... {content[-25:]}"
    return repr(ends)


def _user_turn(tokenizer: Any, content: str, chat: ChatFormat) -> str:
    turns = [{"role": "user", "content": content}]
    return rendered(tokenizer, turns, chat, answer_next=True)


def _spans(
    parts: Mapping[str, tuple[int, int]], offsets: Sequence[tuple[int, int]]
) -> dict[str, Span]:
    spans = {}
    for name, (start, stop) in parts.items():
        inside = [i for i, (left, right) in enumerate(offsets) if left < stop and right > start]
        if name == "header":  # a token that straddles the end of the turn belongs to the turn
            inside = [i for i in inside if offsets[i][0] >= start]
        if not inside:
            raise ValueError(f"no token of the prompt covers its {name}; is the {name} empty?")
        spans[name] = Span(inside[0], inside[-1] + 1)
    return spans
