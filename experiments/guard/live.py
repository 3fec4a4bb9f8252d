"""Live prompts: each is a JSON object with the chat it belongs to, rendered up to the point where the answer starts.

    {"prompt": "How do I handle a fever?"}
    {"messages": [{"role": "user", "content": "How do I handle a fever?"}]}

If a chat ends with an answer, the answer is ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.data.chats import Message, check_turns, parse_turns
from experiments.data.layouts import LISTS
from experiments.data.rows import read_rows, report_skipped
from interp.errors import TriggerLensError
from interp.models.chat import encode, rendered
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Prompt, PromptSet


@dataclass(frozen=True)
class Live:
    """The turns of a chat; the last one is the user's."""

    turns: tuple[Message, ...]

    @classmethod
    def of(cls, user: str) -> "Live":
        """A single question."""
        return cls((Message("user", user),))

    def under(self, framing: Framing) -> "Live":
        """The same chat with a wording added to the last user turn."""
        last = Message("user", framing.around(self.turns[-1].content)[0])
        return Live((*self.turns[:-1], last))

    @property
    def messages(self) -> list[dict[str, str]]:
        """The chat in the format of tokenizers."""
        return [{"role": turn.role, "content": turn.content} for turn in self.turns]


def parse_live(row: dict[str, Any]) -> Live:
    """One live prompt; a ValueError says what is wrong with it."""
    prompt = row.get("prompt")
    if not any(row.get(key) is not None for key in (*LISTS, "instruction")) and prompt is not None:
        if not isinstance(prompt, str) or not prompt.strip():
            raise TriggerLensError('not a prompt: give {"prompt": "..."} or {"messages": [...]}')
        return Live.of(prompt)
    turns = parse_turns(row)
    asked = turns if turns[-1].role == "user" else turns[:-1]
    check_turns([*(turn.role for turn in asked), "assistant"])
    return Live(asked)


def read_live(path: Path | str, *, skip_bad: bool = False) -> tuple[Live, ...]:
    """The prompts of a file in any form; a malformed row is an error that names it, or is skipped with a message."""
    loaded = read_rows(path, parse_live, skip_bad=skip_bad)
    report_skipped(loaded)
    return loaded.rows


def live_prompts(
    lm: LanguageModel, chats: Sequence[Live], condition: str = "live", first: int = 0
) -> PromptSet:
    """The chats rendered for the model; each counts as a separate question, numbered from `first`."""
    texts = [rendered(lm.tokenizer, chat.messages, lm.chat, answer_next=True) for chat in chats]
    encoded = encode(lm.tokenizer, texts) if texts else []
    return PromptSet(
        tuple(
            Prompt(text, tuple(ids), condition, str(number))
            for number, (text, (ids, _)) in enumerate(zip(texts, encoded, strict=True), first)
        )
    )
