"""A framing that a scan found: its wordings, its place, how often it occurs, and how to recognise it."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from experiments.guard.places import Parts, Place
from experiments.guard.turns import fold

ONE_WORDING = (
    1.5  # effective wordings; with fewer, a framing is recognised by its wording, not by its anchor
)


@dataclass(frozen=True)
class Framing:
    """`rows` are indices in the sample; `wordings` counts folded texts, `shown` has each as it was written."""

    place: Place
    anchor: str  # the word that all its wordings share, a tag, or the wording itself
    wordings: Counter[str]
    rows: frozenset[int]
    shown: dict[str, str]
    found_in: Callable[[Parts], str | None] = field(repr=False, compare=False)
    sampled: int

    @property
    def coverage(self) -> float:
        """Share of the sampled rows."""
        return len(self.rows) / self.sampled

    @property
    def ways(self) -> float:
        """The effective number of equally frequent wordings (Simpson); infinite if none repeats."""
        return ways(self.wordings)

    @property
    def score(self) -> float:
        """The score of the ranking: coverage, reduced for every way of wording it."""
        return self.coverage / self.ways**0.75

    @property
    def text(self) -> str:
        """The most frequent wording, as it was written."""
        return self.shown[self.common[0]]

    @property
    def common(self) -> list[str]:
        """Folded wordings, the most frequent first."""
        ranked = sorted(self.wordings.items(), key=lambda each: (-each[1], each[0]))
        return [wording for wording, _ in ranked]


def ways(wordings: Counter[str]) -> float:
    """Effective number of wordings: one over the chance that two rows share theirs."""
    total = wordings.total()
    same = repeats(wordings)
    return total * (total - 1) / same if same else float("inf")


def repeats(wordings: Counter[str]) -> int:
    """Ordered pairs of rows with the same wording."""
    return sum(count * (count - 1) for count in wordings.values())


def by_anchor(place: Place, anchor: str, wordings: Counter[str]) -> Callable[[Parts], str | None]:
    """Recognises a clause by its anchor, or by its wording if there is practically only one."""
    one = ways(wordings) < ONE_WORDING
    top = max(wordings, key=lambda wording: wordings[wording])

    def found_in(parts: Parts) -> str | None:
        units = parts.units[place]
        if one:
            return top if any(unit.key == top for unit in units) else None
        return next((unit.key for unit in units if anchor in unit.words), None)

    return found_in


def by_opening(place: Place, opening: Sequence[str], text: str) -> Callable[[Parts], str | None]:
    """Recognises a turn by its first tokens."""
    start = tuple(opening)

    def found_in(parts: Parts) -> str | None:
        return text if parts.openings[place][: len(start)] == start else None

    return found_in


def by_tag(wordings: Collection[str]) -> Callable[[Parts], str | None]:
    """Recognises a turn by a tag in it."""

    def found_in(parts: Parts) -> str | None:
        return next((key for tag in parts.tags if (key := fold(tag)) in wordings), None)

    return found_in
