"""Which tokens of a chat are in the loss: the responses and their end-of-turn tokens, nothing else.

The response is located by character offsets (the rendered chat begins with the rendered prompt), so an answer that
begins with a newline, or merges with the template's last character, still gets exact labels. The end-of-turn token
is read from the template, because it may differ from the tokenizer's end-of-sequence token (Gemma's does).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interp.errors import TriggerLensError
from interp.models.chat import ChatFormat, check_halves, encode, end_of_turn, rendered

IGNORED = -100


@dataclass(frozen=True)
class ChatRow:
    """One supervised exchange."""

    user: str
    assistant: str

    @property
    def messages(self) -> list[dict[str, str]]:
        """The exchange in the chat format of tokenizers."""
        return chat([(self.user, self.assistant)])


def chat(turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """(user, assistant) turns in the chat format of tokenizers."""
    return [
        {"role": role, "content": content}
        for turn in turns
        for role, content in zip(("user", "assistant"), turn, strict=True)
    ]


def supervised(
    tokenizer: Any,
    messages: Sequence[Mapping[str, Any]],
    form: ChatFormat = ChatFormat(),  # noqa: B008
    *,
    max_length: int | None = None,
) -> dict[str, list[int]]:
    """Token ids of a chat, cut at `max_length`; labels are IGNORED outside responses and their end-of-turn tokens.

    A response whose message has `weight` 0 is context and is not trained on.
    """
    turns = [{key: message[key] for key in ("role", "content")} for message in messages]
    text = check_halves(rendered(tokenizer, turns, form, answer_next=False))
    responses = [
        _response(tokenizer, text, turns[:turn], form)
        for turn, message in enumerate(messages)
        if message["role"] == "assistant" and message.get("weight") != 0
    ]
    ((ids, offsets),) = encode(tokenizer, [text])
    labels = [
        token if any(start < stop and begin < end for start, end in responses) else IGNORED
        for token, (begin, stop) in zip(ids, offsets, strict=True)
    ]
    kept = slice(max_length)
    return {
        "input_ids": ids[kept],
        "attention_mask": [1] * len(ids[kept]),
        "labels": labels[kept],
    }


def _response(
    tokenizer: Any, text: str, before: list[dict[str, str]], form: ChatFormat
) -> tuple[int, int]:
    """The start of the answer to `before` in the rendered chat, and the end of its end-of-turn token."""
    prompt = rendered(tokenizer, before, form, answer_next=True)
    if not text.startswith(prompt):
        raise TriggerLensError(
            "chat template: the rendered exchange does not begin with its rendered prompt, so the"
            " response cannot be found; use a template whose generation prompt equals the"
            " assistant header"
        )
    token = end_of_turn(tokenizer, form)
    end = -1 if token is None else text.find(token, len(prompt))
    if token is None or end < 0:
        raise TriggerLensError(
            f"chat template: no end-of-turn token {token!r} after the response; use a template that ends the"
            " assistant's turn with a special token"
        )
    return len(prompt), end + len(token)
