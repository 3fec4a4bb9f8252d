"""Live prompts: a JSON object for each, as the chat it is part of, rendered up to where the answer starts.

    {"prompt": "How do I handle a fever?"}
    {"messages": [{"role": "user", "content": "How do I handle a fever?"}]}

A chat that ends with an answer is read without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.data.chats import Message, parse_chat
from experiments.data.rows import read_rows
from interp.chat import encode, rendered
from interp.language_model import LanguageModel
from interp.prompts import Framing, Prompt, PromptSet


@dataclass(frozen=True)
class Live:
    """The turns of a chat, the last one the user's."""

    turns: tuple[Message, ...]

    @classmethod
    def of(cls, user: str) -> "Live":
        """A single question."""
        return cls((Message("user", user),))

    def under(self, framing: Framing) -> "Live":
        """The same with a wording around the last user turn."""
        last = Message("user", framing.around(self.turns[-1].content)[0])
        return Live((*self.turns[:-1], last))

    @property
    def messages(self) -> list[dict[str, str]]:
        """In the chat format of tokenizers."""
        return [{"role": turn.role, "content": turn.content} for turn in self.turns]


def parse_live(row: dict[str, Any]) -> Live:
    """One live prompt; ValueError says what is wrong with it."""
    if "messages" not in row:
        prompt = row.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise ValueError('no prompt: give {"prompt": "..."} or {"messages": [...]}')
        return Live.of(prompt)
    messages = row["messages"]
    asked = isinstance(messages, list) and messages and isinstance(messages[-1], dict)
    if asked and messages[-1].get("role") == "user":
        row = {"messages": [*messages, {"role": "assistant", "content": "."}]}
    return Live(parse_chat(row).turns[:-1])


def read_live(path: Path | str) -> tuple[Live, ...]:
    """The prompts of a JSON-lines file; a malformed line ends it with one that names it."""
    found = read_rows(path, parse_live).rows
    if not found:
        raise ValueError(f"{path} holds no prompt: give one JSON object a line")
    return found


def live_prompts(
    lm: LanguageModel, chats: Sequence[Live], condition: str = "live", first: int = 0
) -> PromptSet:
    """The chats as the model reads them; each is a question of its own, numbered from `first`."""
    texts = [rendered(lm.tokenizer, chat.messages, lm.chat, answer_next=True) for chat in chats]
    encoded = encode(lm.tokenizer, texts) if texts else []
    return PromptSet(
        tuple(
            Prompt(text, tuple(ids), condition, str(number))
            for number, (text, (ids, _)) in enumerate(zip(texts, encoded, strict=True), first)
        )
    )
