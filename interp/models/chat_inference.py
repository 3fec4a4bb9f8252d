"""Read a chat format from a tokenizer's own template, and pin what the template would decide by itself.

Method: render short chats and compare.
1. Clock: if chats are rendered differently on another date, the date is fixed.
2. System role: a template either writes a system prompt in addition to the user's text, or refuses or drops it; then
   it goes into the user turn.
3. System prompt: what the template inserts if none is given becomes the format's own.

`complaints` says what no format can pin. A template that behaves differently in long chats is not recognised.
"""

import logging
from dataclasses import replace
from typing import Any

from interp.models.chat import MARKER, ChatFormat, rendered

log = logging.getLogger("triggerlens")

USER, ANSWER = "\ue001", "\ue002"
DATES = ("2001-02-03T04:05:06", "2034-11-20T21:52:43")  # no part of one is in the other
RENDERINGS = 4  # at each date: a template may choose at random
PINS = (
    ChatFormat(),
    ChatFormat(options={"date_string": "26 Jul 2024"}),
    ChatFormat(date="2024-07-26"),
)


def infer_chat(tokenizer: Any) -> ChatFormat:
    """The format that the template implies; the plain `ChatFormat()` if it renders nothing."""
    try:
        clock = next((pin for pin in PINS if not _drifts(tokenizer, pin)), PINS[-1])
        return _with_system(tokenizer, clock)
    except ValueError:  # no template, or a broken one: rendering reports it
        return ChatFormat()


def warn_about_chat(tokenizer: Any, chat: ChatFormat, name: str) -> None:
    """Log a line for each property of the rendered chats that would make results wrong or irreproducible."""
    try:
        for complaint in complaints(tokenizer, chat):
            log.warning("%s: %s", name, complaint)
    except ValueError:  # cannot be rendered at all: rendering reports it
        return


def complaints(tokenizer: Any, chat: ChatFormat) -> list[str]:
    """What is wrong with chats rendered in this format, one line each."""
    if _drifts(tokenizer, chat):
        return [
            "the same chat is rendered differently each time; pin ChatFormat(date=...) or edit the template"
        ]
    prompt, bare, answered = (
        _written(tokenizer, chat, turns, answer_next=next_)
        for turns, next_ in (((USER,), True), ((USER,), False), ((USER, ANSWER), False))
    )
    header = answered.removeprefix(bare).partition(ANSWER)[0]
    if prompt == bare and header.strip():
        return [
            f"the chat template writes no generation prompt, so answers would begin with {header.strip()!r};"
            " use a template with add_generation_prompt"
        ]
    if not answered.startswith(prompt):
        return [
            "a chat with an answer does not begin with its prompt, so the model is not asked as it was trained"
        ]
    return []


def _with_system(tokenizer: Any, chat: ChatFormat) -> ChatFormat:
    """The format with the template's default system prompt, or with the note that it has no system role."""
    plain = _written(tokenizer, chat)
    try:
        told = _written(tokenizer, replace(chat, system=MARKER))
    except ValueError:
        return replace(chat, system_role=False)
    if MARKER not in told or USER not in told:
        return replace(chat, system_role=False)
    before, _, after = told.partition(MARKER)
    default = plain[len(before) : len(plain) - len(after)]
    pinned = replace(chat, system=default)
    if before + default + after != plain:  # the template inserts none
        return chat
    return pinned if _everything(tokenizer, pinned) == _everything(tokenizer, chat) else chat


def _drifts(tokenizer: Any, chat: ChatFormat) -> bool:
    dated = [replace(chat, date=chat.date or date) for date in DATES]
    return len({_everything(tokenizer, each) for each in dated * RENDERINGS}) > 1


def _everything(tokenizer: Any, chat: ChatFormat) -> tuple[str, str]:
    """A prompt, and a chat of several turns."""
    return (
        _written(tokenizer, chat),
        _written(tokenizer, chat, (USER, ANSWER, USER, ANSWER), answer_next=False),
    )


def _written(
    tokenizer: Any, chat: ChatFormat, texts: tuple[str, ...] = (USER,), *, answer_next: bool = True
) -> str:
    roles = ("user", "assistant") * len(texts)
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return rendered(tokenizer, turns, chat, answer_next=answer_next)
