"""A clean and a corrupt prompt, aligned token by token: which clean token corresponds to which corrupt one.

Method:
1. Spans that both prompts have (framing, question, header) correspond, and so do the stretches between them.
2. Stretches of equal length are paired token by token.
3. Spans of different length are paired from their ends, because their last tokens have read the whole span; tokens left
   over at the beginning have no counterpart. Neither has a span that only one prompt has, nor its separator.

Anything else that differs in length is refused. `Pair` accepts an alignment of your own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from interp.errors import TriggerLensError
from interp.prompts import Prompt, Span


@dataclass(frozen=True)
class Pair:
    """`source[j]` is the clean token that corresponds to token j of the corrupt prompt, None if there is none."""

    clean: Prompt
    corrupt: Prompt
    source: tuple[int | None, ...]

    def __post_init__(self) -> None:
        if len(self.source) != len(self.corrupt):
            raise TriggerLensError(
                f"{self}: {len(self.source)} tokens aligned, but the corrupt prompt has {len(self.corrupt)}"
            )
        known = [at for at in self.source if at is not None]
        if known != sorted(set(known)) or not all(0 <= at < len(self.clean) for at in known):
            raise TriggerLensError(
                f"{self}: aligned clean tokens must exist and increase, got {known}"
            )
        if self.source[-1] != len(self.clean) - 1:
            raise TriggerLensError(f"{self}: the last tokens must be aligned with each other")

    def __str__(self) -> str:
        return f"pair {self.clean.condition} / {self.corrupt.condition} ({self.corrupt.question})"

    @property
    def first_difference(self) -> int:
        """The first corrupt token at which the two runs may differ; up to it they have read the same tokens."""
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
        raise TriggerLensError(
            f"{name}: the spans are in a different order; pair prompts of one template"
        )
    source: list[int | None] = []
    clean_at = 0
    for span in [*shared, None]:
        stop = (len(clean), len(corrupt)) if span is None else _starts(span, clean, corrupt)
        between = _Stretch.of(clean, shared, clean_at, stop[0])
        counted = _Stretch.of(corrupt, shared, len(source), stop[1])
        stands_for = _paired(between, counted)
        if stands_for is None:
            where = "at the end" if span is None else f"before the {span}"
            raise TriggerLensError(
                f"{name}: {len(between.tokens)} clean tokens correspond to {len(counted.tokens)} corrupt ones "
                f"{where}; choose prompts that differ inside their spans only, or align them yourself (Pair)"
            )
        source += [stands_for.get(token) for token in range(len(source), stop[1])]
        if span is not None:
            clean_at = clean.spans[span].stop
            source += _from_the_end(clean.spans[span], len(corrupt.spans[span]))
    return Pair(clean, corrupt, tuple(source))


def _starts(span: str, clean: Prompt, corrupt: Prompt) -> tuple[int, int]:
    return clean.spans[span].start, corrupt.spans[span].start


@dataclass(frozen=True)
class _Stretch:
    """Tokens outside the spans that both prompts have; `before` of them precede a span that only this prompt has."""

    tokens: tuple[int, ...]
    before: int | None

    @classmethod
    def of(cls, prompt: Prompt, shared: Sequence[str], start: int, stop: int) -> "_Stretch":
        own = [span for name, span in prompt.spans.items() if name not in shared]
        own = [span for span in own if start <= span.start < stop]
        tokens = tuple(
            token
            for token in range(start, stop)
            if not any(span.start <= token < span.stop for span in own)
        )
        return cls(tokens, min(span.start for span in own) - start if own else None)


def _paired(clean: _Stretch, corrupt: _Stretch) -> dict[int, int] | None:
    """Clean tokens by corrupt ones; None if the lengths differ and no span of only one prompt explains it.

    Around such a span, tokens are paired from both ends, because a separator may belong to it.
    """
    if len(clean.tokens) == len(corrupt.tokens):
        return dict(zip(corrupt.tokens, clean.tokens, strict=True))
    known = [each.before for each in (clean, corrupt) if each.before is not None]
    if not known:
        return None
    split = min(known)
    found = dict(zip(corrupt.tokens[:split], clean.tokens[:split], strict=False))
    behind = reversed(corrupt.tokens[split:]), reversed(clean.tokens[split:])
    return found | dict(zip(*behind, strict=False))


def _from_the_end(clean: Span, length: int) -> list[int | None]:
    """The clean span's tokens for `length` corrupt ones, paired from the end."""
    first = clean.stop - length
    return [token if token >= clean.start else None for token in range(first, clean.stop)]
