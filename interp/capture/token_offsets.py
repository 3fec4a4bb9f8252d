"""Character offsets of tokens for tokenizers that do not report them (those without a Rust backend).

Method: decode every prefix of the token list; a token covers the characters that it adds to the text. Tokens that
share a character, as the bytes of one letter do, all cover it.

A tokenizer that does not decode to the text it encoded is refused.
"""

from collections.abc import Sequence
from typing import Any

from interp.errors import TriggerLensError

INCOMPLETE = "\ufffd"  # what the first bytes of a character decode to


def decoded_offsets(tokenizer: Any, ids: Sequence[int], text: str) -> list[tuple[int, int]]:
    """Start and end of every token in the text; ValueError if the tokens do not decode to it."""
    if _decoded(tokenizer, ids) != text:
        raise TriggerLensError(
            f"tokenizer {type(tokenizer).__name__} reports no character offsets, and its tokens do not decode to the"
            f" text {text[:60]!r}, so spans cannot be found; load the tokenizer's fast version (tokenizer.json)"
        )
    ends = [0]
    for count in range(1, len(ids) + 1):
        begun = _decoded(tokenizer, ids[:count]).rstrip(INCOMPLETE)
        ends.append(max(ends[-1], len(begun)) if text.startswith(begun) else ends[-1])
    return [
        (start, next((end for end in ends[token + 1 :] if end > start), start))
        for token, start in enumerate(ends[:-1])
    ]


def _decoded(tokenizer: Any, ids: Sequence[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
