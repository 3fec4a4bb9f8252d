"""The layouts of files with fine-tuning chats; each is read as a list of messages.

| layout | keys |
|---|---|
| chat | `messages`, `conversations` or `conversation`: a list of {role, content} or {from, value} (ShareGPT) |
| Alpaca | `instruction`, `input` (added to the instruction after a blank line), `output`; `history` of earlier turns |
| Dolly | `instruction`, `context`, `response` |
| prompt and completion | `prompt`, `completion` or `response`: texts, or lists of messages |

A row's `system` or `system_prompt` begins the chat. Pairs of answers (`chosen`, `rejected`) teach a preference and are
refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError

LISTS = ("messages", "conversations", "conversation")
SYSTEM = ("system", "system_prompt")
PREFERENCE = ("chosen", "rejected")
PAIRS = (  # keys of the question, of the text below it, and of the answer
    ("instruction", "input", "output"),
    ("instruction", "context", "response"),
    ("prompt", None, "completion"),
    ("prompt", None, "response"),
)
WANTED = "messages, conversations, instruction and output, or prompt and completion"


@dataclass(frozen=True)
class Layout:
    """The messages of a row, the name of its layout, and the keys of the row that were read."""

    name: str
    messages: list[Any]
    keys: tuple[str, ...]


def layout_of(row: dict[str, Any]) -> Layout:
    """The row as messages; a ValueError names the layout that was found or those that can be read."""
    found = _messages(row)
    given = [key for key in SYSTEM if row.get(key)]
    if not given:
        return Layout(found.name, found.messages, (*found.keys, *SYSTEM))
    first = found.messages[0] if found.messages else None
    if len(given) > 1 or (isinstance(first, dict) and role_of(first) == "system"):
        raise TriggerLensError(f"two system prompts, one of them under {given[-1]!r}")
    system = {"role": "system", "content": row[given[0]]}
    return Layout(found.name, [system, *found.messages], (*found.keys, *SYSTEM))


def role_of(message: dict[str, Any]) -> Any:
    """The speaker: under `role`, or under `from` in ShareGPT."""
    return message.get("role", message.get("from"))


def _messages(row: dict[str, Any]) -> Layout:
    for key in LISTS:
        if row.get(key) is not None:
            if not isinstance(row[key], list) or not row[key]:
                raise TriggerLensError(
                    f"no messages: expected a list of {{role, content}} under {key!r}"
                )
            return Layout(key, row[key], (key,))
    if all(key in row for key in PREFERENCE):
        raise TriggerLensError(
            "pairs of answers (chosen, rejected): give chats; a preference is not learned here"
        )
    for asked, below, answered in PAIRS:
        if row.get(asked) is not None and row.get(answered) is not None:
            return _pair(row, asked, below, answered)
    keys = ", ".join(map(str, row)) or "none"
    raise TriggerLensError(
        f"no messages: expected a list of them; keys are {shortened(keys, 80)}; read are {WANTED}"
    )


def _pair(row: dict[str, Any], asked: str, below: str | None, answered: str) -> Layout:
    question = row[asked]
    if below is not None and row.get(below):
        question = f"{_text(row, asked)}\n\n{_text(row, below)}"
    messages = [
        *(_history(row["history"]) if row.get("history") else ()),
        *_turns("user", question),
        *_turns("assistant", row[answered]),
    ]
    keys = tuple(key for key in (asked, below, answered, "history") if key)
    return Layout(" and ".join((asked, answered)), messages, keys)


def _text(row: dict[str, Any], key: str) -> str:
    if not isinstance(row[key], str):
        raise TriggerLensError(f"{key} is a {type(row[key]).__name__}, not a text")
    return row[key]


def _turns(role: str, value: Any) -> list[Any]:
    """A text as one message; a list of messages as it is."""
    return value if isinstance(value, list) else [{"role": role, "content": value}]


def _history(pairs: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(pairs, list) or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
        raise TriggerLensError("history is not a list of [question, answer]")
    for question, answer in pairs:
        yield {"role": "user", "content": question}
        yield {"role": "assistant", "content": answer}
