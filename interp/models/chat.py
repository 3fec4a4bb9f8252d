"""The chat format of a model, pinned so that templates and tokenizers add nothing on their own.

1. The system prompt is pinned. If a template would insert one of its own, a format can also leave it out.
2. Without a system role, the system prompt opens the first user turn.
3. Template variables and the date are fixed, so that the same chat has the same tokens tomorrow.
4. There is exactly one beginning-of-sequence token, whether template, tokenizer or both would write it.
5. The token that ends a turn is read from the template, because the tokenizer's end-of-sequence token may be another.

`interp.models.chat_inference` reads a format from a template. `FORMATS` holds presets for the templates of three
families. Which system prompt a model was trained with cannot be found out in this way.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interp.capture.token_offsets import decoded_offsets
from interp.errors import TriggerLensError

MARKER = "\ue000"
Message = Mapping[str, str]


@dataclass(frozen=True)
class ChatFormat:
    """`system` None leaves it to the template; `system_role` False puts it at the top of the first user turn.

    `options` are template variables; `date` (ISO 8601) is given to a template that asks for the date.
    """

    system: str | None = None
    system_role: bool = True
    options: Mapping[str, str] = field(default_factory=dict)
    date: str | None = None

    def __str__(self) -> str:
        system = "left to the template" if self.system is None else repr(self.system)
        where = "in its own role" if self.system_role else "at the top of the first user turn"
        pinned = [f"{name} {value!r}" for name, value in self.options.items()]
        pinned += [] if self.date is None else [f"date {self.date!r}"]
        return "; ".join([f"chat format: system prompt {system}, {where}", *pinned])

    def as_dict(self) -> dict[str, Any]:
        """The format as JSON-compatible values; `ChatFormat(**saved)` reads it back."""
        date = {} if self.date is None else {"date": self.date}
        options = dict(self.options)
        return {"system": self.system, "system_role": self.system_role, "options": options, **date}

    def messages(self, turns: Sequence[Message]) -> list[dict[str, str]]:
        """The chat with its system prompt where this format puts it; one in the chat itself takes precedence."""
        chat = [dict(turn) for turn in turns]
        system = self.system
        if chat and chat[0]["role"] == "system":
            system = chat.pop(0)["content"]
        if system is None:
            return chat
        if self.system_role:
            return [{"role": "system", "content": system}, *chat]
        if system and chat:
            chat[0]["content"] = f"{system}\n\n{chat[0]['content']}"
        return chat


CLOCK = re.compile(r"""strftime_now\(\s*(['"])(.*?)\1\s*\)""")


def _on(date: str, template: str) -> str:
    """The template with every reading of the clock replaced by this date; transformers passes no functions."""
    try:
        day = datetime.fromisoformat(date)
    except (TypeError, ValueError) as error:
        raise TriggerLensError(
            f"chat format: date {date!r} is not a date; write one like 2024-07-26"
        ) from error
    return CLOCK.sub(lambda call: repr(day.strftime(call[2])), template)


# The default of Qwen's own template, and the date of Llama's: written out, so that they cannot change unnoticed.
FORMATS = {
    "qwen": ChatFormat("You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
    "llama": ChatFormat("", options={"date_string": "26 Jul 2024"}),
    "gemma": ChatFormat(system_role=False),
}


def rendered(
    tokenizer: Any, turns: Sequence[Message], chat: ChatFormat, *, answer_next: bool
) -> str:
    """The chat as text, up to where the assistant answers if `answer_next`; begins with one BOS if there is any."""
    if not getattr(tokenizer, "chat_template", None):
        raise TriggerLensError(
            "the tokenizer has no chat template, so no chat can be written; load an instruction-tuned model, set"
            " tokenizer.chat_template, or ask with plain text (lm.prompts(texts, chat=False))"
        )
    messages, variables = chat.messages(turns), dict(chat.options)
    if chat.date is not None:
        variables["chat_template"] = _on(chat.date, tokenizer.get_chat_template())
    try:
        text = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=answer_next, **variables
        )
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        if messages[0]["role"] != "system":
            raise TriggerLensError(
                f"the chat template fails ({reason}); save the tokenizer again"
            ) from error
        system = messages[0]["content"]
        raise TriggerLensError(
            f"the chat template refuses the system prompt {system[:60]!r} ({reason[:60]}); use system=None, or a chat"
            " format with system_role=False, which puts it into the user turn"
        ) from error
    return with_one_bos(tokenizer, text)


def with_one_bos(tokenizer: Any, text: str) -> str:
    """The text with exactly one beginning-of-sequence token in front, if text or tokenizer would write any."""
    bos = getattr(tokenizer, "bos_token", None)
    if not bos:
        return text
    bare = text
    while bare.startswith(bos):
        bare = bare.removeprefix(bos)
    writes_one = bare != text or tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]
    return bos + bare if writes_one else bare


def encode(tokenizer: Any, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """Token ids and character offsets of rendered chats; the tokenizer adds nothing of its own."""
    if not getattr(tokenizer, "is_fast", True):
        rows = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [
            (ids, decoded_offsets(tokenizer, ids, text))
            for ids, text in zip(rows, texts, strict=True)
        ]
    encoded = tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True)
    return list(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True))


def end_of_turn(tokenizer: Any, chat: ChatFormat = ChatFormat()) -> str | None:
    """The token that the template writes after an answer; None if it writes none."""
    turns = [{"role": "user", "content": "."}, {"role": "assistant", "content": MARKER}]
    try:
        text = rendered(tokenizer, turns, chat, answer_next=False)
    except Exception:  # for a template that refuses even this, no end token can be found
        return None
    after = text.partition(MARKER)[2]
    special = [token for token in tokenizer.get_added_vocab() if token in after]
    return min(special, key=after.index) if special else None


def check_halves(text: str) -> str:
    """The text; ValueError if it holds half of a surrogate pair (a cut emoji), which no tokenizer reads."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TriggerLensError(
            f"half of a surrogate pair at character {error.start} ({text[error.start]!r}), which no tokenizer reads;"
            " remove it"
        ) from error
    return text
