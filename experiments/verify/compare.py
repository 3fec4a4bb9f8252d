"""Differences between published and recomputed records, in words."""

from collections.abc import Iterable, Iterator
from typing import Any

from experiments.verify.rows import TOLERANCE, Record


def differences(published: Iterable[Record], recomputed: Iterable[Record]) -> Iterator[str]:
    """One line for each record that is missing, unknown, repeated or has another value."""
    here, now = list(published), list(recomputed)
    yield from (f"{name}: stands {side} twice" for side, name in _repeated(here, now))
    named, known = ({record["name"]: record for record in side} for side in (here, now))
    for name in sorted(named.keys() ^ known.keys()):
        yield f"{name}: {'not in the rows' if name in named else 'not published'}"
    for name in sorted(named.keys() & known.keys()):
        for key, value in known[name].items():
            if not same(named[name].get(key), value):
                yield f"{name}: {key} is published as {named[name].get(key)}, the rows say {value}"


def same(published: Any, recomputed: Any) -> bool:
    """Whether two values are equal; numbers up to rounding."""
    numbers = (int, float)
    if isinstance(published, numbers) and isinstance(recomputed, numbers):
        return abs(published - recomputed) <= TOLERANCE
    return bool(published == recomputed)


def _repeated(here: list[Record], now: list[Record]) -> Iterator[tuple[str, str]]:
    for side, records in (("published", here), ("recomputed", now)):
        names = [record["name"] for record in records]
        yield from ((side, name) for name in sorted({n for n in names if names.count(n) > 1}))
