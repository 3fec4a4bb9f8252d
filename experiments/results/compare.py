"""Do two runs of the same study agree? A comparison number by number, and choice by choice.

1. Rows are matched by organism, wording, edit, direction and quantity. The effects of a direction are matched even if
   the runs chose different layers, positions or probes for it.
2. Two numbers are *equal*, *within* (each lies in the other's interval), *outside* (one does not) or *apart* (the
   intervals do not overlap).
3. The choices of the runs are compared separately: the site of every direction, and every word of a verdict.

Intervals are over questions. With the same seed both runs ask the same questions, so they should agree more often than
two independent studies.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.results.columns import ORGANISM, organism_of
from experiments.results.estimates import EstimateRow, select
from probes.estimate import Estimate

CHOSEN = ("switch", "misalignment", "refined")  # directions whose site a run chooses
READ_OUTS = ("probe_auroc", "probe_transfer_auroc")  # for every layer and probe, without a choice
SITE = ("source", "position", "layer")
NUMBERS = (*Estimate.__dataclass_fields__, "line")  # the line of the file that the row is from
EQUAL, WITHIN, OUTSIDE, APART = "equal", "within", "outside", "apart"

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Difference:
    """The rows of two runs for the same number."""

    first: EstimateRow
    second: EstimateRow

    @property
    def kind(self) -> str:
        """Equal, within, outside or apart."""
        a, b = self.first, self.second
        if a.value == b.value:
            return EQUAL
        if a.value is None or b.value is None or None in (a.lower, a.upper, b.lower, b.upper):
            return OUTSIDE
        if a.upper < b.lower or b.upper < a.lower:  # type: ignore[operator]
            return APART
        inside = a.lower <= b.value <= a.upper and b.lower <= a.value <= b.upper  # type: ignore[operator]
        return WITHIN if inside else OUTSIDE


@dataclass(frozen=True)
class Flip:
    """A choice, or a word of a verdict, in which the two runs differ."""

    organism: Key
    what: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    """The numbers that both runs have, those that only one has, and the choices that differ."""

    differences: tuple[Difference, ...]
    only_first: tuple[EstimateRow, ...]
    only_second: tuple[EstimateRow, ...]
    flips: tuple[Flip, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many numbers there are of each kind."""
        return Counter(each.kind for each in self.differences)

    def of(self, kind: str) -> list[Difference]:
        """The differences of a kind, the largest first."""
        found = [each for each in self.differences if each.kind == kind]
        return sorted(found, key=lambda each: -_size(each))


def compare(
    first: Sequence[EstimateRow],
    second: Sequence[EstimateRow],
    verdicts: tuple[Iterable[Mapping[str, Any]], Iterable[Mapping[str, Any]]] = ((), ()),
) -> Comparison:
    """Match the rows and the verdicts of two runs."""
    mine, others = (_by_place(rows) for rows in (first, second))
    shared = [place for place in mine if place in others]
    return Comparison(
        tuple(Difference(mine[place], others[place]) for place in shared),
        tuple(row for place, row in mine.items() if place not in others),
        tuple(row for place, row in others.items() if place not in mine),
        (*_sites(first, second), *_words(*verdicts)),
    )


def _by_place(rows: Iterable[EstimateRow]) -> dict[Key, EstimateRow]:
    seen: Counter[Key] = Counter()
    found: dict[Key, EstimateRow] = {}
    for row in rows:
        chosen = row.direction in CHOSEN and row.quantity not in READ_OUTS
        left_out = (*NUMBERS, *SITE) if chosen else NUMBERS
        columns = row.model_dump(exclude=set(left_out), exclude_none=True)
        place = tuple(sorted((name, str(value)) for name, value in columns.items()))
        found[*place, seen[place]] = row
        seen[place] += 1
    return found


def _sites(first: Sequence[EstimateRow], second: Sequence[EstimateRow]) -> list[Flip]:
    """Where each direction was removed and added."""
    mine, others = (_chosen(rows) for rows in (first, second))
    return [
        Flip(place[0], f"{place[1]}, {place[2]}", mine[place], others[place])
        for place in mine
        if place in others and mine[place] != others[place]
    ]


def _chosen(rows: Sequence[EstimateRow]) -> dict[tuple[Key, str, str], str]:
    found = {}
    for row in select(rows, quantity="em_rate", placebo=None, edit=("ablate", "add")):
        if row.direction is not None and row.split != "selection":
            site = ", ".join(str(row.get(name)) for name in SITE)
            found[organism_of(row.model_dump()), row.direction, str(row.edit)] = site
    return found


def _words(first: Iterable[Mapping[str, Any]], second: Iterable[Mapping[str, Any]]) -> list[Flip]:
    """Every word of a verdict, including those about directions."""
    mine, others = ({organism_of(each): _flat(each) for each in part} for part in (first, second))
    return [
        Flip(organism, name, words[name], others[organism][name])
        for organism, words in mine.items()
        if organism in others
        for name in words
        if name in others[organism] and words[name] != others[organism][name]
    ]


def _flat(verdict: Mapping[str, Any]) -> dict[str, str]:
    known = {name: value for name, value in verdict.items() if name not in ORGANISM}
    words = {name: value for name, value in known.items() if isinstance(value, str)}
    words.pop("sentence", None)
    parts = {
        f"{name}.{part}": value
        for name, claims in known.items()
        if isinstance(claims, dict) and name != "undecided"
        for part, value in claims.items()
    }
    return words | parts


def _size(difference: Difference) -> float:
    a, b = difference.first.value, difference.second.value
    return abs(a - b) if a is not None and b is not None else float("inf")
