"""A comparison of two runs on the terminal: how many numbers agree, which do not, and which choices flipped."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.results.compare import APART, EQUAL, OUTSIDE, WITHIN, Comparison, Difference
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent

MOST = 12
MEANING = {
    EQUAL: "the same value",
    WITHIN: "another value, each in the other's interval",
    OUTSIDE: "a value outside the other's interval, the intervals overlap",
    APART: "the intervals do not overlap",
}


def print_comparison(found: Comparison, console: Console, *, wide: bool = False) -> None:
    """Print the counts, the numbers that are apart, and the choices that differ; `wide`: without a limit."""
    counts, total = found.counts, len(found.differences)
    console.print(f"{total:,} numbers are in both runs:")
    for kind, meaning in MEANING.items():
        console.print(f"  {counts[kind]:6,}  {meaning}")
    for name, rows in (("first", found.only_first), ("second", found.only_second)):
        if rows:
            console.print(f"  {len(rows):6,}  only in the {name} run")
    apart = found.of(APART)
    if apart:
        console.print(_table(apart if wide else apart[:MOST]))
        _say_rest(console, len(apart), wide)
    console.print(f"{len(found.flips)} choices or words of a verdict differ.")
    for flip in found.flips if wide else found.flips[:MOST]:
        organism = " ".join(str(part) for part in flip.organism if part is not None)
        line = f"  {organism}: {flip.what}: {flip.first} / {flip.second}"
        console.print(escape(line), soft_wrap=True)
    _say_rest(console, len(found.flips), wide)


def _say_rest(console: Console, count: int, wide: bool) -> None:
    if count > MOST and not wide:
        console.print(f"  ... and {count - MOST} more: --wide")


def _table(differences: list[Difference]) -> Table:
    table = Table("number", "first run", "second run")
    for each in differences:
        table.add_row(
            escape(", ".join(_place(each.first))), percent(each.first), percent(each.second)
        )
    return table


def _place(row: EstimateRow) -> Iterator[str]:
    names = (row.family, row.arm, row.quantity, row.direction, row.intervention, row.condition)
    yield from (str(name) for name in names if name is not None)
