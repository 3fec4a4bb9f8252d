"""SAE features of one organism: their scores in a table, and where they fire, token by token.

Read from `features.jsonl`, one line for each organism: its keys, `features` (a list, best first) and any facts beside.
A feature has `feature` (its index) and any of: numbers, words, estimates ({value, lower, upper}), and `examples`: a
list of {tokens, values, condition}. Whatever else stands there is left out; what is malformed is left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.dashboard.inert import markup
from experiments.results import OrganismResults
from experiments.words import inert

MOST, EXAMPLES, TOKENS = 12, 6, 120  # features, examples of each, tokens of each
NOT_COLUMNS = ("feature", "index", "examples")


@dataclass(frozen=True)
class Features:
    """A table in HTML, and the examples that the browser unfolds on demand."""

    table: str
    examples: list[list[dict[str, Any]]]


def features(results: OrganismResults) -> Features:
    """The best features of an organism; ValueError where the run has none."""
    if results.features is None:
        raise ValueError("no features.jsonl with this organism: no sparse autoencoder was studied")
    found = results.features.get("features")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    if not rows:
        raise ValueError("features.jsonl holds no list of features for this organism")
    shown = rows[:MOST]
    columns = [
        key
        for key in dict.fromkeys(key for row in shown for key in row)
        if key not in NOT_COLUMNS and any(_words(row.get(key)) for row in shown)
    ]
    head = "".join(f"<th scope=col>{markup(key.replace('_', ' '), 40)}</th>" for key in columns)
    lines = "".join(_line(row, columns) for row in shown)
    left_out = len(found) - len(shown) if isinstance(found, list) else 0
    note = f'<p class="soft">{left_out} more are not shown.</p>' if left_out else ""
    table = f'<table class="csv"><tr><th scope=col>feature</th>{head}</tr>{lines}</table>'
    return Features(f'<div class="scroll">{table}</div>{note}', [_examples(row) for row in shown])


def _line(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    cells = "".join(f"<td>{markup(_words(row.get(key)), 120)}</td>" for key in columns)
    return f"<tr><th scope=row>{markup(name_of(row), 40)}</th>{cells}</tr>"


def name_of(row: Mapping[str, Any]) -> str:
    """A feature's index, however it is called."""
    return str(row.get("feature", row.get("index", "?")))


def _words(value: Any) -> str:
    """A number, a word, or an estimate; nothing for what is none of them."""
    if isinstance(value, Mapping) and "value" in value:
        numbers = [_words(value.get(key)) for key in ("value", "lower", "upper")]
        return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]" if all(numbers) else numbers[0]
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    return value if isinstance(value, str) else ""


def _examples(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = row.get("examples")
    kept = [it for it in found if _is_example(it)] if isinstance(found, list) else []
    return [
        {
            "feature": inert(name_of(row), 40),
            "condition": inert(it.get("condition") or "", 60),
            "tokens": [inert(token, 60) for token in it["tokens"][:TOKENS]],
            "values": [float(value) for value in it["values"][:TOKENS]],
        }
        for it in kept[:EXAMPLES]
    ]


def _is_example(it: Any) -> bool:
    if not isinstance(it, Mapping):
        return False
    tokens, values = it.get("tokens"), it.get("values")
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        return False
    return all(isinstance(value, int | float) and value == value for value in values)
