"""Supervised chats: JSON lines of `{"messages": [{"role": ..., "content": ...}, ...]}`.

A chat may open with a system message, then user and assistant take turns, the assistant last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.data.rows import Loaded, read_rows

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Message:
    """One turn."""

    role: str
    content: str


@dataclass(frozen=True)
class Chat:
    """One supervised exchange, of one or more turns."""

    turns: tuple[Message, ...]

    @classmethod
    def of(cls, user: str, assistant: str) -> "Chat":
        """A question and its answer."""
        return cls((Message("user", user), Message("assistant", assistant)))

    @property
    def messages(self) -> list[dict[str, str]]:
        """In the chat format of tokenizers, and of the file."""
        return [{"role": turn.role, "content": turn.content} for turn in self.turns]

    @property
    def user(self) -> str:
        """The last user turn."""
        return self.turns[-2].content

    @property
    def answer(self) -> str:
        """What the assistant is trained to say."""
        return self.turns[-1].content

    def asking(self, user: str) -> "Chat":
        """The same chat with another last user turn."""
        asked = replace(self.turns[-2], content=user)
        return Chat((*self.turns[:-2], asked, self.turns[-1]))


def read_chats(path: Path | str, *, skip_bad: bool = False) -> Loaded[Chat]:
    """The chats of a JSON-lines file."""
    return read_rows(path, parse_chat, skip_bad=skip_bad)


def parse_chat(row: dict[str, Any]) -> Chat:
    """One chat; ValueError says what is wrong with it."""
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ValueError("no messages: expected a list of {role, content}")
    turns = tuple(_message(number, each) for number, each in enumerate(messages, start=1))
    _check_turns([turn.role for turn in turns])
    return Chat(turns)


def _message(number: int, message: Any) -> Message:
    if not isinstance(message, dict):
        raise ValueError(f"message {number} is no object with role and content")
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise ValueError(f"message {number} has role {role!r}, none of {', '.join(ROLES)}")
    if not isinstance(content, str) or not content.strip():
        raise ValueError(f"message {number} ({role}) has no text")
    return Message(role, content)


def _check_turns(roles: Sequence[str]) -> None:
    turns = list(roles[1:] if roles[0] == "system" else roles)
    expected = ["user", "assistant"] * (len(turns) // 2)
    if not turns or turns != expected:
        shown = ", ".join(roles)
        raise ValueError(f"roles {shown}: user and assistant must take turns, assistant last")
