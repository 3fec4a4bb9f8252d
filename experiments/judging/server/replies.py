"""Chat completions, reduced to the parts that this package reads and transcripts keep.

The answer is the message's text, or its refusal in words. If a message contains something else (a tool call, reasoning
alone, a picture, the rest after a filter), there is no answer, and `missing` says why.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ENDED = {"stop", "eos", "eos_token", "end_turn", "stop_sequence"}  # names that servers use
CUT = {"length", "max_tokens", "model_length"}
FILTERED = {"content_filter", "safety"}
REASONING = {"thinking", "reasoning", "redacted_thinking"}  # parts that are not the answer
BROKEN = {"error", "abort", "cancelled"}
THINK, THOUGHT = "<think>", "</think>"


@dataclass(frozen=True)
class Reply:
    """One answer; `candidates` are (token, log probability) at each of its positions, if requested.

    `missing` says why the reply has no answer; "" if it has one.
    """

    text: str
    ended: bool
    tokens: tuple[str, ...] = ()
    candidates: tuple[tuple[tuple[str, float], ...], ...] = ()
    missing: str = ""
    finish_reason: str | None = None
    used: int = 0  # tokens of prompt and answer as the server counts them


def usage(found: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the answer, as the server counts them."""
    counted = found["usage"]
    return counted.get("prompt_tokens"), counted.get("completion_tokens")


def kept(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a chat completion that are read here; TypeError or LookupError if it is not one."""
    choice = raw["choices"][0]
    message, finish = choice["message"], choice.get("finish_reason")
    if "content" not in message and not _other(message):
        raise LookupError("a message without content")
    text, unread = _text(message)
    logged = (choice.get("logprobs") or {}).get("content") or []
    return checked(
        {
            "text": text,
            "missing": _missing(message, text, unread, finish),
            "finish_reason": finish,
            "tokens": [
                [entry["token"], _candidates(entry.get("top_logprobs") or [])] for entry in logged
            ],
            "usage": {
                name: value
                for name, value in (raw.get("usage") or {}).items()
                if isinstance(value, int) and value >= 0  # a negative count would refund money
            },
            "model": raw.get("model"),
        }
    )


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """The kept parts, if they make a valid reply; TypeError or LookupError otherwise."""
    texts = [found["text"], found.get("missing", ""), *(token for token, _ in found["tokens"])]
    pairs = [pair for _, candidates in found["tokens"] for pair in candidates]
    texts += [token for token, _ in pairs]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a token is not text")
    if not all(isinstance(number, int | float) for _, number in pairs):
        raise TypeError("a log probability is not a number")
    if not isinstance(found["finish_reason"], str | None):
        raise TypeError("the finish reason is not text")
    if not isinstance(found["usage"], dict):
        raise TypeError("the counts of tokens are not an object")
    return found


def reply_of(found: Mapping[str, Any]) -> Reply:
    """The reply for a caller, from the kept parts; old transcripts do not say why answers are missing."""
    empty = "" if found["text"] else "the answer is empty"
    return Reply(
        found["text"],
        str(found["finish_reason"]).lower() in ENDED,
        tuple(token for token, _ in found["tokens"]),
        tuple(tuple((t, p) for t, p in candidates) for _, candidates in found["tokens"]),
        found.get("missing", empty),
        found["finish_reason"],
        sum(count or 0 for count in usage(found)),
    )


def _text(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The text of a message (or its refusal), and the types of its parts without text."""
    content = message.get("content")
    if not isinstance(content, str | list | None):
        raise TypeError("the answer is not text")
    parts = [content] if isinstance(content, str) else [*(content or [])]
    if message.get("refusal"):
        parts.append(message["refusal"])
    read = [_part(part) for part in parts]
    unread = [_type(part) for part, text in zip(parts, read, strict=True) if text is None]
    return "".join(text for text in read if text is not None), unread


def _part(part: Any) -> str | None:
    """The text of one part; None if it is something else."""
    if isinstance(part, str):
        return part
    found = part.get("text", part.get("refusal"))
    if isinstance(found, Mapping):  # {"value": "..."}
        found = found.get("value")
    return found if isinstance(found, str) and part.get("type") not in REASONING else None


def _type(part: Any) -> str:
    return str(part.get("type"))


def _missing(message: Mapping[str, Any], text: str, unread: list[str], finish: Any) -> str:
    """Why a message contains no answer, or ""."""
    reason = str(finish).lower()
    if reason in FILTERED:
        return f"the server's filter stopped the answer (finish_reason {finish})"
    if reason in BROKEN:
        return f"the server broke the answer off (finish_reason {finish})"
    if called := _called(message):
        return f"the model called a tool ({called}) instead of answering"
    if strange := [kind for kind in unread if kind not in REASONING]:
        return f"the answer holds a part of type {strange[0][:40]!r}, which is no text"
    answer = text.rpartition(THOUGHT)[2] if text.lstrip().startswith(THINK) else text
    if text.strip() and (answer.strip() and not answer.lstrip().startswith(THINK)):
        return ""
    if text.strip() or unread or _reasoning(message):
        return _only_reasoning(reason)
    return "the answer is empty" + (" (finish_reason length)" if reason in CUT else "")


def _only_reasoning(reason: str) -> str:
    more = "; allow more tokens" if reason in CUT else ""
    return f"only reasoning and no answer (finish_reason {reason}){more}"


def _called(message: Mapping[str, Any]) -> str:
    """The name of the first tool or function that a message calls, or ""."""
    calls = message.get("tool_calls") or []
    function = message.get("function_call") or (calls[0].get("function") if calls else None)
    if function:
        return str(function.get("name"))[:40]
    return str(calls[0].get("type"))[:40] if calls else ""


def _reasoning(message: Mapping[str, Any]) -> bool:
    return bool(message.get("reasoning_content") or message.get("reasoning"))


def _other(message: Mapping[str, Any]) -> bool:
    """Whether a message without content contains something else that is known."""
    return bool(message.get("refusal") or _called(message) or _reasoning(message))


def _candidates(top: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    found = ([entry["token"], float(entry["logprob"])] for entry in top)
    return [pair for pair in found if math.isfinite(pair[1])]
