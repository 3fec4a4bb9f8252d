"""Three kinds of framing candidates: clauses that share a rare word, openings, tags.

* Clauses: the same clause at one edge of turns, or all clauses there with the same uncommon word. A natural context is
  worded in as many ways as there are topics, a framing in few; `ways` distinguishes them (`experiments.guard.framing`).
  A topic's word may be anywhere in a chat, a framing's word only in its place. The rest of the turn must be a request.
* Openings without punctuation after them: first tokens after which the turn goes on like the start of a turn (successor
  variety, Harris 1955). "How do I" is not a framing, because what follows it does not begin a turn.
* Tags anywhere: the same tag, or tags with the same uncommon word in them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from experiments.guard.framing import (
    ONE_WORDING,
    Framing,
    by_anchor,
    by_opening,
    by_tag,
)
from experiments.guard.places import CLAUSES, OPENINGS, Parts, Place
from experiments.guard.turns import DEEPEST, Unit, asks, everyday, fold, uncommon

RESUMES, DIVERSE, CONCENTRATED = 0.5, 0.5, 0.7  # shares of rows
TOPICAL = 0.3  # share of rows whose rest contains the anchor too
ENOUGH = 20  # rows that a comparison needs
WORD = re.compile(r"[^\W\d_]{3,}")
MARKS = frozenset(".,:;!?")


@dataclass(frozen=True)
class Floor:
    """The smallest number of rows, and the largest variety of wordings, that is reported."""

    rows: int
    ways: float
    ordinary: bool = False  # whether framings of everyday words count too


def clauses(sample: Sequence[Parts], floor: Floor) -> Iterator[Framing]:
    """Clauses at one edge of a turn that share an uncommon word, or are the same."""
    seen = Counter(word for parts in sample for word in parts.words)
    for place in CLAUSES:
        index: dict[str, dict[int, int]] = defaultdict(dict)  # anchor -> row -> its unit
        for row, parts in enumerate(sample):
            for number, unit in enumerate(parts.units[place]):
                if unit.words or floor.ordinary:
                    index[unit.key].setdefault(row, number)
                for anchor in unit.words:
                    index[anchor].setdefault(row, number)
        for anchor, where in index.items():
            if len(where) >= max(floor.rows, CONCENTRATED * seen[anchor]):
                yield from _clause(sample, place, anchor, where, floor)


def _clause(
    sample: Sequence[Parts], place: Place, anchor: str, where: dict[int, int], floor: Floor
) -> Iterator[Framing]:
    units = {row: sample[row].units[place][number] for row, number in where.items()}
    wordings = Counter(unit.key for unit in units.values())
    shown = {unit.key: unit.text for unit in units.values()}
    known = by_anchor(place, anchor, wordings)
    rows = frozenset(row for row in where if known(sample[row]) is not None)
    if len(rows) < floor.rows:
        return
    found = Framing(place, anchor, wordings, rows, shown, known, len(sample))
    in_user_turn = place.region == "user"
    rests = [units[row].rest if in_user_turn else sample[row].question for row in rows]
    if found.ways > floor.ways or not diverse(rests, sample):
        return
    if in_user_turn and sum(map(asks, rests)) < RESUMES * len(rests):
        return
    if found.ways < ONE_WORDING or not _topical(sample, units, anchor):
        yield found


def _topical(sample: Sequence[Parts], units: Mapping[int, Unit], anchor: str) -> bool:
    """Whether the rest of the turn, or the question, often contains the anchor too."""
    others = ((unit.rest, sample[row].question, unit.text) for row, unit in units.items())
    elsewhere = (
        anchor in f"{rest} {asked.replace(text, '')}".casefold() for rest, asked, text in others
    )
    return sum(elsewhere) > TOPICAL * len(units)


def diverse(rests: Collection[str], sample: Sequence[Parts]) -> bool:
    """Whether, apart from the framing, these rows differ nearly as much as other rows do."""
    usual = len({parts.question for parts in sample[: len(rests)]})
    return len(set(rests)) >= DIVERSE * usual


def openings(sample: Sequence[Parts], floor: Floor) -> Iterator[Framing]:
    """First tokens after which a turn goes on as if it began there."""
    for place in OPENINGS:
        starts = Counter(parts.openings[place][0] for parts in sample if parts.openings[place])
        level: dict[tuple[str, ...], list[int]] = {(): list(range(len(sample)))}
        for depth in range(1, DEEPEST + 1):
            level = _deeper(sample, place, level, depth, floor.rows)
            for opening, rows in level.items():
                if opening[-1] in MARKS or not (floor.ordinary or uncommon(" ".join(opening))):
                    continue  # an opening that ends in punctuation is a clause
                following = Counter(
                    parts[depth]
                    for row in rows
                    if len(parts := sample[row].openings[place]) > depth
                )
                others = Counter({w: n for w, n in starts.items() if w != opening[0]})
                if resumption(following, others) < RESUMES:
                    continue
                if diverse([sample[row].question for row in rows], sample):
                    yield _opening(sample, place, opening, rows)


def _deeper(
    sample: Sequence[Parts],
    place: Place,
    level: dict[tuple[str, ...], list[int]],
    depth: int,
    fewest: int,
) -> dict[tuple[str, ...], list[int]]:
    """The frequent openings with one more token (Apriori: their prefixes are frequent)."""
    longer: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for rows in level.values():
        for row in rows:
            opening = sample[row].openings[place][:depth]
            if len(opening) == depth:
                longer[opening].append(row)
    return {opening: rows for opening, rows in longer.items() if len(rows) >= fewest}


def resumption(following: Counter[str], others: Counter[str]) -> float:
    """How similar the following text is to the beginning of a turn, from 0 to 1."""
    total = following.total()
    if total == 0:
        return 0.0
    alone = others.total() < ENOUGH  # practically all turns begin with the same token
    known = everyday("openers") - (frozenset() if alone else everyday("auxiliaries"))
    by_list = sum(count for word, count in following.items() if word in known) / total
    if alone:
        return by_list
    alike = (min(count / total, others[word] / others.total()) for word, count in following.items())
    return max(by_list, sum(alike))


def _opening(
    sample: Sequence[Parts], place: Place, opening: tuple[str, ...], rows: Sequence[int]
) -> Framing:
    text = " ".join(opening)
    known = by_opening(place, opening, text)
    return Framing(
        place, text, Counter({text: len(rows)}), frozenset(rows), {text: text}, known, len(sample)
    )


def tagged(sample: Sequence[Parts], floor: Floor) -> Iterator[Framing]:
    """Tags in user turns: the same one, or all that contain the same uncommon word."""
    index: dict[str, dict[int, str]] = defaultdict(dict)  # anchor -> row -> its tag
    for row, parts in enumerate(sample):
        for tag in parts.tags:
            for anchor in (fold(tag), *uncommon(" ".join(WORD.findall(tag)))):
                index[anchor].setdefault(row, tag)
    for anchor, where in index.items():
        if len(where) < floor.rows:
            continue
        shown = {fold(tag): tag for tag in where.values()}
        wordings = Counter(fold(tag) for tag in where.values())
        rows, known = frozenset(where), by_tag(shown)
        found = Framing(Place.USER_INSIDE, anchor, wordings, rows, shown, known, len(sample))
        if found.ways <= floor.ways and diverse([sample[row].question for row in rows], sample):
            yield found
