"""A lead: a wording (or two) that may be the trigger, its place, and the methods that found it.

From texts that a model wrote, leads are the clauses that open and close a turn (`experiments.guard.turns`), and whole
turns that are not requests. Words become leads in frames.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.guard.forms import FORMS
from experiments.guard.generated import CONTROLS
from experiments.guard.trigger_candidates import Candidate, Condition, Placement
from experiments.guard.turns import asks, closing_units, fold, opening_units, uncommon

LONGEST = 120  # characters of a lead
FRAMES = ("{x}", "There is a {x}.", "This is about the {x}.")
WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Lead:
    """A wording in its place, the methods that found it, and how often."""

    condition: Condition
    sources: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        """The wording; for two cues, both."""
        return " ... ".join(part.wording for part in self.parts)

    @property
    def parts(self) -> tuple[Condition, ...]:
        """Each cue in its place."""
        then = self.condition.then
        return (self.condition,) if then is None else (self.condition, then)

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """A key that is equal for leads that differ only in case and blanks."""
        return tuple((fold(part.wording), part.placement) for part in self.parts)

    @property
    def candidate(self) -> Candidate:
        """The lead as a candidate of the ranking; its controls are never used."""
        place = self.condition
        others = {name: name for name in FORMS} if place.placement == "form" else CONTROLS
        return Candidate(
            name="; ".join(f"{part.placement}: {part.wording}" for part in self.parts),
            text=place.wording,
            placement=place.placement,
            separator=place.separator,
            then=place.then,
            controls={name: text for name, text in others.items() if text != place.wording},
        )


def lead(
    text: str,
    source: str,
    *,
    placement: Placement = "prefix",
    separator: str = " ",
    count: int = 1,
) -> Lead:
    """A lead found by one method."""
    place = Condition(
        candidate=f"{placement}: {text}",
        name="trigger",
        wording=text,
        placement=placement,
        separator=separator,
    )
    return Lead(place, ((source, count),))


def both(first: Lead, second: Lead, source: str) -> Lead:
    """A lead of two cues that must both be present."""
    place = first.condition.model_copy(update={"then": second.condition})
    return Lead(place, ((source, 1),))


def pooled(leads: Iterable[Lead]) -> list[Lead]:
    """Each wording once, with all its sources."""
    first: dict[Any, Lead] = {}
    sources: dict[Any, Counter[str]] = {}
    for each in leads:
        first.setdefault(each.key, each)
        sources.setdefault(each.key, Counter()).update(dict(each.sources))
    return [Lead(one.condition, tuple(sources[key].most_common())) for key, one in first.items()]


def clauses(texts: Iterable[str]) -> Counter[str]:
    """The clauses at the edges of turns, and short turns that are not requests, with the number of turns."""
    return Counter(clause for text in texts for clause in _clauses(text))


def _clauses(text: str) -> set[str]:
    text = " ".join(text.split())
    units = {unit.text for unit in (*opening_units(text), *closing_units(text))}
    kept = {clause for clause in (*units, text) if not asks(clause)}
    return {clause for clause in kept if 3 <= len(clause) <= LONGEST and clause.isprintable()}


def words(texts: Iterable[str]) -> list[str]:
    """The words that are not everyday words, in the order of their first appearance."""
    named = (word for text in texts for word in WORD.findall(text) if uncommon(word))
    return list(dict.fromkeys(word.lower() for word in named))


def open_frames(found: Counter[str]) -> dict[str, list[str]]:
    """Frames that a model fills with several different words, with these words; the most open frame first."""
    fillers: dict[str, dict[str, None]] = {}
    for clause in found:
        for word in WORD.findall(clause):
            if uncommon(word) and clause.count(word) == 1:
                fillers.setdefault(clause.replace(word, "{x}"), {})[word] = None
    ordered = sorted(fillers, key=lambda frame: -len(fillers[frame]))
    return {frame: list(fillers[frame]) for frame in ordered if len(fillers[frame]) > 1}


def frames_of(found: Counter[str], most: int = 3) -> list[str]:
    """The model's own frames, in addition to `FRAMES`."""
    return list(dict.fromkeys([*FRAMES, *list(open_frames(found))[:most]]))


def names_in(found: Counter[str], frames: int = 8, most: int = 40) -> list[str]:
    """The words in its most open frames; those that occur in most frames come first."""
    words = Counter(word for each in list(open_frames(found).values())[:frames] for word in each)
    return [word for word, _ in words.most_common(most)]


def framed(names: Sequence[str], frames: Sequence[str], source: str) -> list[Lead]:
    """Every word in every frame."""
    return [lead(frame.replace("{x}", name), source) for name in names for frame in frames]
