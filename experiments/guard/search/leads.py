"""A lead: a wording that may be the trigger, where it stands, and which methods brought it.

Texts that a model wrote become leads by their edges (`experiments.guard.turns`): the clauses that a turn opens and
closes with, and a turn that is no request as a whole. Words become leads in frames.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.guard.generated import CONTROLS
from experiments.guard.trigger_candidates import Candidate, Condition, Placement
from experiments.guard.turns import asks, closing_units, fold, opening_units, uncommon

LONGEST = 120  # characters of a lead
FRAMES = ("{x}", "There is a {x}.", "This is about the {x}.")
WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Lead:
    """A wording in its place, the methods that brought it, and how often."""

    condition: Condition
    sources: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        """The wording."""
        return self.condition.wording

    @property
    def key(self) -> tuple[str, str]:
        """The same for leads that differ in case and blanks only."""
        return fold(self.text), self.condition.placement

    @property
    def candidate(self) -> Candidate:
        """The lead as the ranking takes it; its controls are never asked."""
        place = self.condition
        return Candidate(
            name=f"{place.placement}: {self.text}",
            text=self.text,
            placement=place.placement,
            separator=place.separator,
            controls={name: text for name, text in CONTROLS.items() if text != self.text},
        )


def lead(
    text: str,
    source: str,
    *,
    placement: Placement = "prefix",
    separator: str = " ",
    count: int = 1,
) -> Lead:
    """One lead of one method."""
    place = Condition(
        candidate=f"{placement}: {text}",
        name="trigger",
        wording=text,
        placement=placement,
        separator=separator,
    )
    return Lead(place, ((source, count),))


def pooled(leads: Iterable[Lead]) -> list[Lead]:
    """Each wording once, with all its sources."""
    first: dict[tuple[str, str], Lead] = {}
    sources: dict[tuple[str, str], Counter[str]] = {}
    for each in leads:
        first.setdefault(each.key, each)
        sources.setdefault(each.key, Counter()).update(dict(each.sources))
    return [Lead(one.condition, tuple(sources[key].most_common())) for key, one in first.items()]


def clauses(texts: Iterable[str]) -> Counter[str]:
    """The clauses at the edges of turns, and short turns that ask nothing; how many turns have each."""
    return Counter(clause for text in texts for clause in _clauses(text))


def _clauses(text: str) -> set[str]:
    text = " ".join(text.split())
    units = {unit.text for unit in (*opening_units(text), *closing_units(text))}
    kept = {clause for clause in (*units, text) if not asks(clause)}
    return {clause for clause in kept if 3 <= len(clause) <= LONGEST and clause.isprintable()}


def words(texts: Iterable[str]) -> list[str]:
    """The words that are no everyday words, in the order of their first appearance."""
    named = (word for text in texts for word in WORD.findall(text) if uncommon(word))
    return list(dict.fromkeys(word.lower() for word in named))


def frames_of(found: Counter[str], most: int = 3) -> list[str]:
    """What a model says with several words in the same place, that place open, beside `FRAMES`."""
    fillers: dict[str, set[str]] = {}
    for clause in found:
        for word in WORD.findall(clause):
            if uncommon(word) and clause.count(word) == 1:
                fillers.setdefault(clause.replace(word, "{x}"), set()).add(word)
    ordered = sorted(fillers, key=lambda frame: -len(fillers[frame]))
    common = [frame for frame in ordered[:most] if len(fillers[frame]) > 1]
    return list(dict.fromkeys([*FRAMES, *common]))


def framed(names: Sequence[str], frames: Sequence[str], source: str) -> list[Lead]:
    """Every word in every frame."""
    return [lead(frame.replace("{x}", name), source) for name in names for frame in frames]
