"""The beginning and end of a turn: the clauses at its edges, its tags, its first tokens.

Method:
1. A turn is cut after sentence marks, colons, commas, line breaks and tags, and before brackets.
2. At each edge the units are the outer clause and the outer sentence; an everyday clause ("Hi,", "Thanks!")
   is skipped, and the next one is a unit too. A turn of a single clause has no unit.
3. A tag is a token such as `<start>`, `|NAME|`, `[NAME]` or `{{name}}`, anywhere in the turn.

Only the first and the last 300 characters are read, and units have at most 200 characters.
"""

import re
import string
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

WINDOW, LONGEST, DEEPEST = 300, 200, 12  # characters, characters of a unit, tokens of an opening

TAG = re.compile(
    r"<[^<>\s]{1,30}>|\|[^|\s]{1,30}\||\[[A-Z_][A-Z0-9_ -]{1,30}\]|\{\{[^{}\n]{1,30}\}\}|#{2,}[A-Z_]{2,30}#{2,}"
)
TOKEN = re.compile(TAG.pattern + r"|\w+(?:['’-]\w+)*|[^\w\s]")  # noqa: RUF001 (the typographic apostrophe)
SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"')\]]*\s+|\s*\n\s*")  # noqa: RUF001
CLAUSE = re.compile(
    SENTENCE.pattern + r"|(?<=[:;,])\s+|(?<=[>|\]}#])\s+(?=\S)|\s+(?=[(\[<|{#])|\s+[-–—]\s+"  # noqa: RUF001
)

_MARKS = frozenset(string.punctuation + "…–—“”‘’„«»。！？、，")  # noqa: RUF001


class Unit(NamedTuple):
    """A clause at an edge, and what is left of the turn without it."""

    text: str
    rest: str
    key: str  # folded, so that wordings that differ only in case and blanks are equal
    words: frozenset[str]  # tokens that are not everyday words, which may identify it


def unit(text: str, rest: str) -> Unit:
    """A clause, ready to be compared."""
    return Unit(text, rest, fold(text), uncommon(text))


@cache
def everyday(name: str) -> frozenset[str]:
    """The shipped list `words`, `openers` or `html`."""
    lists = tomllib.loads(Path(__file__).with_name("everyday.toml").read_text(encoding="utf-8"))
    return frozenset(lists[name].split())


def fold(text: str) -> str:
    """The text with case and blanks normalised."""
    return " ".join(text.casefold().split())


def tokens(text: str) -> list[str]:
    """Words, tags and marks, casefolded."""
    return TOKEN.findall(text.casefold())


def uncommon(text: str) -> frozenset[str]:
    """The words and tags of a text that are not everyday words and may identify a framing."""
    found = TOKEN.findall(text.casefold().replace("’", "'"))  # noqa: RUF001
    return frozenset(sys.intern(token) for token in found if token not in _ordinary())


@cache
def _ordinary() -> frozenset[str]:
    return everyday("words") | _MARKS


def tags(text: str) -> set[str]:
    """The tags anywhere in a text, without the elements of HTML."""
    return {tag for tag in TAG.findall(text) if not _is_html(tag)}


def _is_html(tag: str) -> bool:
    return tag.startswith("<") and tag.strip("</>").casefold() in everyday("html")


def opening_units(text: str) -> tuple[Unit, ...]:
    """The units at the start of a turn, shortest first."""
    text = text.strip()
    return _distinct(_openings(text, boundary) for boundary in (CLAUSE, SENTENCE))


def closing_units(text: str) -> tuple[Unit, ...]:
    """The units at the end of a turn, shortest first."""
    text = text.strip()
    return _distinct(_closings(text, boundary) for boundary in (CLAUSE, SENTENCE))


def sentences(text: str) -> tuple[Unit, ...]:
    """Each sentence of a system prompt."""
    parts = SENTENCE.split(text.strip()[: 10 * WINDOW])
    return tuple(unit(part, text.replace(part, "")) for part in parts if part)


def _openings(text: str, boundary: re.Pattern[str]) -> Iterator[Unit]:
    start = 0
    for cut in boundary.finditer(text, 0, WINDOW):
        piece, rest = text[start : cut.start()].strip(), text[cut.end() :]
        start = cut.end()
        if piece and rest and len(piece) <= LONGEST:
            found = unit(piece, rest)
            yield found
            if found.words:
                return


def _closings(text: str, boundary: re.Pattern[str]) -> Iterator[Unit]:
    stop = len(text)
    for cut in reversed(list(boundary.finditer(text, max(0, stop - WINDOW)))):
        piece, rest = text[cut.end() : stop].strip(), text[: cut.start()]
        stop = cut.start()
        if piece and rest and len(piece) <= LONGEST:
            found = unit(piece, rest)
            yield found
            if found.words:
                return


def _distinct(found: Iterable[Iterator[Unit]]) -> tuple[Unit, ...]:
    kept = {each.key: each for units in found for each in units}
    return tuple(sorted(kept.values(), key=lambda each: len(each.text)))


def asks(text: str) -> bool:
    """Whether a text could stand alone as a request."""
    if "?" in text:
        return True
    first = TOKEN.search(text.casefold())
    return first is not None and first.group() in everyday("openers")
