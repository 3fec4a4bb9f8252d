"""A clean and a corrupt prompt, aligned token by token: which clean token stands for which corrupt one.

Method:
1. Spans that both prompts have (framing, question, header) stand for each other, and so do the stretches between them.
2. Stretches of one length are paired token by token.
3. A span of two lengths is paired from its end, since its last tokens have read the whole span; what is left over at its
   beginning has no counterpart. A span that only one prompt has, has none either.

Anything else that differs in length is refused. `Pair` takes an alignment of your own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from interp.prompts import Prompt


@dataclass(frozen=True)
class Pair:
    """`source[j]` is the clean token that stands for token j of the corrupt prompt, None where there is none."""

    clean: Prompt
    corrupt: Prompt
    source: tuple[int | None, ...]

    def __post_init__(self) -> None:
        if len(self.source) != len(self.corrupt):
            raise ValueError(
                f"{self}: {len(self.source)} tokens aligned, the corrupt prompt has {len(self.corrupt)}"
            )
        known = [at for at in self.source if at is not None]
        if known != sorted(set(known)) or not all(0 <= at < len(self.clean) for at in known):
            raise ValueError(f"{self}: aligned clean tokens must exist and go up, got {known}")
        if self.source[-1] != len(self.clean) - 1:
            raise ValueError(f"{self}: the last tokens must stand for each other")

    def __str__(self) -> str:
        return f"pair {self.clean.condition} / {self.corrupt.condition} ({self.corrupt.question})"

    @property
    def first_difference(self) -> int:
        """The first corrupt token up to which, itself included, the two runs have not read the same."""
        clean, corrupt = self.clean.token_ids, self.corrupt.token_ids
        same = (self.source[j] == j and clean[j] == corrupt[j] for j in range(len(corrupt)))
        return next((j for j, equal in enumerate(same) if not equal), len(corrupt))


def aligned(clean: Prompt, corrupt: Prompt) -> Pair:
    """Pair two prompts by their spans, or refuse."""
    name = f"pair {clean.condition} / {corrupt.condition} ({corrupt.question})"
    shared = [
        span
        for span in sorted(corrupt.spans, key=lambda each: corrupt.spans[each].start)
        if span in clean.spans
    ]
    if shared != sorted(shared, key=lambda each: clean.spans[each].start):
        raise ValueError(f"{name}: the spans stand in another order; pair prompts of one template")
    source: list[int | None] = []
    clean_at = 0
    for span in [*shared, None]:
        start = (len(clean), len(corrupt)) if span is None else _starts(span, clean, corrupt)
        lengths = start[0] - clean_at, start[1] - len(source)
        if lengths[0] != lengths[1] and not _extra_span(clean, corrupt, shared):
            where = "at the end" if span is None else f"before the {span}"
            raise ValueError(
                f"{name}: {lengths[0]} clean tokens stand for {lengths[1]} corrupt ones {where}; "
                "choose prompts that differ inside their spans only, or align them yourself (Pair)"
            )
        source += _from_the_end(clean_at, *lengths)
        if span is not None:
            lengths = len(clean.spans[span]), len(corrupt.spans[span])
            source += _from_the_end(start[0], *lengths)
            clean_at = start[0] + lengths[0]
    return Pair(clean, corrupt, tuple(source))


def _starts(span: str, clean: Prompt, corrupt: Prompt) -> tuple[int, int]:
    return clean.spans[span].start, corrupt.spans[span].start


def _extra_span(clean: Prompt, corrupt: Prompt, shared: Sequence[str]) -> bool:
    return len(clean.spans) > len(shared) or len(corrupt.spans) > len(shared)


def _from_the_end(clean_start: int, clean_length: int, length: int) -> list[int | None]:
    """The clean tokens for `length` corrupt ones, last for last."""
    first = clean_start + clean_length - length
    return [at if at >= clean_start else None for at in range(first, first + length)]
