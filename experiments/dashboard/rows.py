"""Which rows a figure draws: those with a value, and held-out domains if there are any."""

from collections.abc import Callable, Sequence
from typing import Any

from experiments.results.estimates import EstimateRow
from experiments.results.load import in_order, pick


def measured(rows: Sequence[EstimateRow], **keys: Any) -> list[EstimateRow]:
    """Report rows with these keys that have a value."""
    return [row for row in pick(rows, **keys) if row.value is not None]


def held_out(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """The rows on held-out domains, or all rows if there are none."""
    return [row for row in rows if row.questions == "held_out"] or list(rows)


def in_words(rows: Sequence[EstimateRow], words: Callable[[EstimateRow], str]) -> list[str]:
    """The words for the rows, each once, with conditions in reading order."""
    return list(dict.fromkeys(map(words, in_order(rows))))
