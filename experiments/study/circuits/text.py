"""Tables of circuits for the terminal: which nodes carry the trigger's effect, from which tokens, and the checks."""

from collections.abc import Iterator, Sequence
from typing import Any

from experiments.results.format import decimal

STRONGEST = 8
Row = dict[str, Any]


def tables(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """(title, Markdown) of each table: those of every organism, then the comparison between organisms."""
    names = dict.fromkeys(_name(row) for row in rows if row["quantity"] == "circuit_node")
    for name in names:
        own = [row for row in rows if _name(row) == name]
        yield (
            f"{name}: nodes that carry the trigger's effect, as shares of the difference",
            _writers(own),
        )
        yield f"{name}: attribution compared with exact patching; the circuit alone", _checks(own)
    quantities = ("circuit_seed_correlation", "circuit_family_correlation", "circuit_planted_auroc")
    over = [row for row in rows if row["quantity"] in quantities]
    lines = [
        f"| {_words(row)} | {row.get('family') or ''} | {row['source']} | {_number(row)} |"
        for row in over
    ]
    yield "Seeds, families, and models whose circuit is known", _table("| | | | |", lines)


def _writers(rows: Sequence[Row]) -> str:
    nodes = [row for row in rows if row["quantity"] == "circuit_node"]
    strongest = sorted(nodes, key=lambda row: -abs(row["value"]))[:STRONGEST]
    lines = [
        f"| {row['node']} | {_number(row)} | {_where(rows, row['node'])} |" for row in strongest
    ]
    return _table("| node | share | writes at; reads keys and values at |", lines)


def _where(rows: Sequence[Row], node: str) -> str:
    """The strongest positions at which a node writes, and those at which its group of heads reads."""
    layer = node.split(".")[0]
    writes = [r for r in rows if r["quantity"] == "circuit_writes" and r["node"] == node]
    reads = [
        r
        for r in rows
        if r["quantity"] == "circuit_reads"
        and r["node"].startswith(f"{layer}.")
        and r["node"].endswith((".k", ".v"))
        and "." in node
    ]
    parts = [_places(writes), _places(reads)]
    return "; ".join(part for part in parts if part)


def _places(rows: Sequence[Row]) -> str:
    strongest = sorted(rows, key=lambda row: -abs(row["value"]))[:2]
    return ", ".join(f"{row['position']} {row['value']:.2f}" for row in strongest)


def _checks(rows: Sequence[Row]) -> str:
    kinds = (
        "circuit_exact_correlation",
        "circuit_forward_passes",
        "circuit_base_correlation",
        "circuit_faithfulness",
        "circuit_completeness",
    )
    chosen = [row for row in rows if row["quantity"] in kinds]
    return _table(
        "| measured | | |", [f"| {_words(r)} | {_detail(r)} | {_number(r)} |" for r in chosen]
    )


def _detail(row: Row) -> str:
    size = f"{row['strength']:.0%} of edges" if row.get("strength") is not None else ""
    return ", ".join(filter(None, [size, row.get("placebo"), row.get("source")]))


def _words(row: Row) -> str:
    return str(row["quantity"]).removeprefix("circuit_").replace("_", " ")


def _number(row: Row) -> str:
    return decimal(row["value"], row["lower"], row["upper"])


def _table(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *lines])


def _name(row: Row) -> str:
    return "-".join(
        [
            str(row.get("family")),
            f"s{row.get('seed')}",
            str(row.get("arm")),
            str(row.get("trigger")),
        ]
    )
