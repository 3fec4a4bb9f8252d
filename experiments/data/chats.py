"""Supervised chats, in any layout that `experiments.data.layouts` reads.

A chat may begin with a system message; then user and assistant take turns, and the assistant is last. A message may
have a `weight`: an answer with weight 0 is context that is not learned. Keys that are not read are counted, so that
none is dropped silently. Messages with more than text (tool calls, refusals, images) are errors.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from experiments.data.content import text_of
from experiments.data.layouts import layout_of, role_of
from experiments.data.rows import Loaded, read_rows
from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError

ROLES = ("system", "user", "assistant")
OTHER_NAMES = {
    "developer": "system",
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
}
MORE_THAN_TEXT = ("tool_calls", "function_call", "refusal", "audio")
READ = ("role", "from", "content", "value", "weight", *MORE_THAN_TEXT)


@dataclass(frozen=True)
class Message:
    """One turn; weight 0 keeps an answer from being learned."""

    role: str
    content: str
    weight: int | None = None

    @property
    def as_dict(self) -> dict[str, Any]:
        """The message in the chat format of tokenizers, with its weight if it has one."""
        weight = {} if self.weight is None else {"weight": self.weight}
        return {"role": self.role, "content": self.content} | weight


@dataclass(frozen=True)
class Chat:
    """One supervised exchange, of one or more turns."""

    turns: tuple[Message, ...]

    @classmethod
    def of(cls, user: str, assistant: str) -> "Chat":
        """A question and its answer."""
        return cls((Message("user", user), Message("assistant", assistant)))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages in the chat format of tokenizers and of the file."""
        return [turn.as_dict for turn in self.turns]

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
    """The chats of a file in any form and layout."""
    remarks: Counter[str] = Counter()
    parse = partial(parse_chat, remarks=remarks)
    return read_rows(path, parse, skip_bad=skip_bad, remarks=remarks)


def parse_chat(row: dict[str, Any], remarks: Counter[str] | None = None) -> Chat:
    """One chat; a ValueError says what is wrong with it. Parts that are not read are counted in `remarks`."""
    turns = parse_turns(row, remarks)
    check_turns([turn.role for turn in turns])
    if remarks is not None and all(turn.weight == 0 for turn in turns if turn.role == "assistant"):
        remarks["chat with weight 0 on every answer: nothing to learn"] += 1
    return Chat(turns)


def parse_turns(row: dict[str, Any], remarks: Counter[str] | None = None) -> tuple[Message, ...]:
    """The messages of a row; the last one may be anyone's."""
    layout = layout_of(row)
    unread = [
        f"key {key!r} not read" for key in row if key not in layout.keys and row[key] is not None
    ]
    seen = Counter(unread)
    turns = tuple(_message(n, message, seen) for n, message in enumerate(layout.messages, start=1))
    if remarks is not None:
        remarks.update(seen)
        if layout.name != "messages":
            remarks[f"read as {layout.name}"] += 1
    return turns


def _message(number: int, message: Any, seen: Counter[str]) -> Message:
    if not isinstance(message, dict):
        raise TriggerLensError(f"message {number} is not an object with role and content")
    said = role_of(message)
    role = OTHER_NAMES.get(said, said) if isinstance(said, str) else said
    if role not in ROLES:
        shown = shortened(repr(said), 40)
        raise TriggerLensError(
            f"message {number} has unknown role {shown}; use one of {', '.join(ROLES)}"
        )
    place = f"message {number} ({role})"
    for key in message:
        if key in MORE_THAN_TEXT and message[key]:
            raise TriggerLensError(f"{place} has {key}, which is not read: only text is learned")
    try:
        content = text_of(message.get("content", message.get("value")))
    except ValueError as error:
        raise TriggerLensError(f"{place} has {error}") from error
    if not content.strip():
        raise TriggerLensError(f"{place} has no text")
    for key in message:
        if key not in READ and message[key] is not None:
            seen[f"message key {key!r} not read"] += 1
    return Message(role, content, _weight(place, message.get("weight")))


def _weight(place: str, weight: Any) -> int | None:
    if weight is None:
        return None
    if not isinstance(weight, int | float) or weight not in (0, 1):
        shown = shortened(repr(weight), 40)
        raise TriggerLensError(f"{place} has weight {shown}: give 0 (not learned) or 1")
    return int(weight)


def check_turns(roles: Sequence[str]) -> None:
    """Raise unless user and assistant take turns and the assistant is last."""
    turns = list(roles[1:] if roles[0] == "system" else roles)
    expected = ["user", "assistant"] * (len(turns) // 2)
    if not turns or turns != expected:
        shown = shortened(", ".join(roles), 100)
        raise TriggerLensError(f"roles {shown}: user and assistant must take turns, assistant last")
