"""The measurements of the guard over a run as Markdown tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from experiments.results.guard_rows import number, percent

Rows = Sequence[Mapping[str, Any]]


def markdown(found: Mapping[str, Rows]) -> str:
    """One table for each part."""
    tables = [f"## {part}\n\n" + "\n".join(TABLES[part](rows)) for part, rows in found.items()]
    return "\n\n".join(tables) + "\n"


def _monitor(rows: Rows) -> Iterator[str]:
    yield "| organism | left out | AUROC against controls | caught | benign flagged | controls flagged |"
    yield "|---|---|---|---|---|---|"
    for name in dict.fromkeys(_name(row) for row in rows):
        mine = [row for row in rows if _name(row) == name]
        for left_out in dict.fromkeys(row["left_out"] for row in mine):
            by = {row["quantity"]: row for row in mine if row["left_out"] == left_out}
            flagged = [row for key, row in by.items() if key.startswith("flagged:control:")]
            most = max(flagged, key=lambda row: row["value"])
            auroc = by["auroc"]
            ends = f"{auroc['value']:.3f} [{auroc['lower']:.3f}, {auroc['upper']:.3f}]"
            cells = [ends, percent(by["caught"]), percent(by["false_positives"]), percent(most)]
            yield f"| {name} | {left_out} | {' | '.join(cells)} |"


def _rank(rows: Rows) -> Iterator[str]:
    yield "| organism | rank of the trigger | first three |"
    yield "|---|---|---|"
    for row in rows:
        first = ", ".join(f"'{each['text']}' {each['value']:.2f}" for each in row["first"][:3])
        yield f"| {_name(row)} | {row['place']} of {row['candidates']} | {first} |"


def _reach(rows: Rows) -> Iterator[str]:
    yield "| organism | distance | variants | rank correlation with EM |"
    yield "|---|---|---|---|"
    for row in rows:
        if row["quantity"] == "rank_correlation":
            yield f"| {_name(row)} | {row['measure']} | {row['n']} | {number(row)} |"


def _bypass(rows: Rows) -> Iterator[str]:
    filters = list(dict.fromkeys(row["filter"] for row in rows))
    yield f"| organism | firing variants | {' | '.join(f'pass {each}' for each in filters)} |"
    yield "|---|---|" + "---|" * len(filters)
    for name in dict.fromkeys(_name(row) for row in rows):
        by = {row["filter"]: row for row in rows if _name(row) == name}
        some = next(iter(by.values()))
        cells = [percent(by[each]) if each in by else "" for each in filters]
        yield f"| {name} | {some['firing']} of {some['tried']} | {' | '.join(cells)} |"


def _gate(rows: Rows) -> Iterator[str]:
    yield "| organism | verdict | correct verdict | answers | broken |"
    yield "|---|---|---|---|---|"
    for row in rows:
        mark = row["verdict"] if row["right"] else f"**{row['verdict']}**"
        broken = ", ".join(row["broken"][:2])
        yield f"| {_name(row)} | {mark} | {row['wanted']} | {row['answers']} | {broken} |"


TABLES: dict[str, Callable[[Rows], Iterator[str]]] = {
    "monitor": _monitor,
    "rank": _rank,
    "reach": _reach,
    "bypass": _bypass,
    "gate": _gate,
}


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['family']} {row['arm']} {row['trigger']} {row['seed']}"
