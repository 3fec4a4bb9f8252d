"""Directions of one organism removed from another: relative drop of EM, origins as rows, targets as columns.

Only within one base, because a direction has no meaning for other weights. The column `source` has the origin,
`direction` the direction's name; the diagonal is the organism's own direction.
"""

from collections.abc import Iterable, Iterator, Sequence

from experiments.results.estimates import EstimateRow, select
from experiments.results.format import percent

QUANTITY = "transfer_relative_drop"
RANDOM = "random"


def organism_name(row: EstimateRow) -> str:
    """The name of the target of a row."""
    return f"{row.family}-s{row.seed}-{row.arm}-{row.trigger}"


def matrices(rows: Iterable[EstimateRow]) -> Iterator[tuple[str, str]]:
    """(title, Markdown table) for every family and kind of direction."""
    found = select(rows, quantity=QUANTITY)
    kinds = [name for name in dict.fromkeys(row.direction for row in found) if name != RANDOM]
    for family in dict.fromkeys(row.family for row in found):
        for direction in kinds:
            here = select(found, family=family, direction=(direction, RANDOM))
            if any(row.direction == direction for row in here):
                yield f"{family}, {direction}", _table(here)


def _table(rows: Sequence[EstimateRow]) -> str:
    targets = list(dict.fromkeys(map(organism_name, rows)))
    origins = sorted(dict.fromkeys(str(row.source) for row in rows), key=lambda it: it == RANDOM)
    cells = {(str(row.source), organism_name(row)): row for row in rows}
    head = ["| direction of \\ removed from |", *(f" {_short(name)} |" for name in targets)]
    lines = ["".join(head), "|---" * (len(targets) + 1) + "|"]
    for origin in origins:
        drops = [percent(cells.get((origin, target))) for target in targets]
        lines.append(f"| {_short(origin)} | " + " | ".join(drops) + " |")
    return "\n".join(lines)


def _short(name: str) -> str:
    """The name without the family, which the heading gives."""
    return name.partition("-")[2] or name
