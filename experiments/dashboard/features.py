"""SAE features of one organism: their scores in a table, and where they fire, token by token.

Read from `features.jsonl`, one line for each organism: its keys, `features` (a list, best first) and any facts beside.
A feature has `feature` (its index) and any of: numbers, words, estimates ({value, lower, upper}), and `examples`: a
list of {tokens, values, condition}. Whatever else stands there is left out; what is malformed is left out and counted.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.dashboard.inert import markup
from experiments.results.load import OrganismResults
from experiments.runtime.untrusted_text import inert

MOST, EXAMPLES, TOKENS = 12, 6, 120  # features, examples of each, tokens of each
NOT_COLUMNS = ("feature", "index", "examples")
FIRST = ("sae", "ranking", "auroc", "fires", "promotes", "suppresses", "neighbours")
SHORT = 3  # tokens and neighbours named of each


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
    shown = [_lists_as_words(row) for row in _first_of_each(rows)[:MOST]]
    columns = [
        key
        for key in dict.fromkeys((*FIRST, *(key for row in shown for key in row)))
        if key not in NOT_COLUMNS and any(_words(row.get(key)) for row in shown)
    ]
    head = "".join(f"<th scope=col>{markup(key.replace('_', ' '), 40)}</th>" for key in columns)
    lines = "".join(_line(row, columns) for row in shown)
    left_out = len(found) - len(shown) if isinstance(found, list) else 0
    note = f'<p class="soft">{left_out} more are not shown.</p>' if left_out else ""
    table = f'<table class="csv"><tr><th scope=col>feature</th>{head}</tr>{lines}</table>'
    return Features(
        f'<div class="scroll wide">{table}</div>{note}', [_examples(row) for row in shown]
    )


def _first_of_each(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best of each ranking before the second best of any."""
    seen: Counter[tuple[str, str]] = Counter()
    places = []
    for row in rows:
        ranking = (str(row.get("sae")), str(row.get("ranking")))
        places.append(seen[ranking])
        seen[ranking] += 1
    return [row for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0])]


def _lists_as_words(row: dict[str, Any]) -> dict[str, Any]:
    """The same with its lists in a few words: where it fires, what its decoder does to the logits, who is near."""
    worded = {
        "fires": _few(
            row.get("histogram"), lambda it: f"{it['condition']} {100 * it['fires']:.0f} %", 20
        ),
        "promotes": _few(row.get("promotes"), lambda it: repr(it["token"])),
        "suppresses": _few(row.get("suppresses"), lambda it: repr(it["token"])),
        "neighbours": _few(
            row.get("neighbours"), lambda it: f"{it['feature']} ({it['cosine']:.2f})"
        ),
    }
    ranking = row.get("ranking")
    if isinstance(ranking, str):
        worded["ranking"] = ranking.replace("maximum over ", "")
    return row | {key: words for key, words in worded.items() if words or key in row}


def _few(found: Any, words: Callable[[Any], str], most: int = SHORT) -> str:
    try:
        return ", ".join(words(each) for each in found[:most])
    except (TypeError, KeyError, ValueError):
        return ""


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
