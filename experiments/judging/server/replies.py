"""Chat completions, cut down to what anything here reads; that is also what transcripts keep."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer; `candidates` are (token, log probability) at each of its positions, if asked for."""

    text: str
    ended: bool
    tokens: tuple[str, ...] = ()
    candidates: tuple[tuple[tuple[str, float], ...], ...] = ()


def usage(found: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the answer, as the server counts them."""
    counted = found["usage"]
    return counted.get("prompt_tokens"), counted.get("completion_tokens")


def kept(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a chat completion that anything here reads."""
    choice = raw["choices"][0]
    text = choice["message"]["content"]
    if not isinstance(text, str | None):
        raise TypeError("the answer is no text")
    logged = (choice.get("logprobs") or {}).get("content") or []
    return checked(
        {
            "text": text or "",
            "finish_reason": choice.get("finish_reason"),
            "tokens": [
                [entry["token"], _candidates(entry.get("top_logprobs") or [])] for entry in logged
            ],
            "usage": {
                name: value
                for name, value in (raw.get("usage") or {}).items()
                if isinstance(value, int) and value >= 0  # less would give money back
            },
            "model": raw.get("model"),
        }
    )


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """What was kept, if a reply can be made of it; TypeError or LookupError otherwise."""
    texts = [found["text"], *(token for token, _ in found["tokens"])]
    pairs = [pair for _, candidates in found["tokens"] for pair in candidates]
    texts += [token for token, _ in pairs]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a token is no text")
    if not all(isinstance(number, int | float) for _, number in pairs):
        raise TypeError("a log probability is no number")
    found["finish_reason"], found["usage"].get
    return found


def _candidates(top: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    found = ([entry["token"], float(entry["logprob"])] for entry in top)
    return [pair for pair in found if math.isfinite(pair[1])]


def reply_of(found: Mapping[str, Any]) -> Reply:
    """What a caller gets of what was kept."""
    return Reply(
        found["text"],
        found["finish_reason"] == "stop",
        tuple(token for token, _ in found["tokens"]),
        tuple(tuple((t, p) for t, p in candidates) for _, candidates in found["tokens"]),
    )
