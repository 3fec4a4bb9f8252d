"""The places of a chat where a framing can be, and the text there in one chat."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from experiments.data.chats import Chat
from experiments.guard.turns import (
    DEEPEST,
    Unit,
    closing_units,
    opening_units,
    sentences,
    tags,
    tokens,
    uncommon,
)

MOST_TURNS = 8  # user turns of one chat that are looked at
READ = 2000  # characters of a turn in which words are counted


class Place(StrEnum):
    """A part of a chat; `region` is what it is a part of."""

    SYSTEM = "system prompt"
    USER_START = "start of the user turn"
    USER_END = "end of the user turn"
    USER_INSIDE = "inside the user turn"
    ANSWER_START = "start of the answer"
    ANSWER_END = "end of the answer"

    @property
    def region(self) -> str:
        """system, user or answer."""
        return self.name.split("_")[0].lower()


CLAUSES = (
    Place.SYSTEM,
    Place.USER_START,
    Place.USER_END,
    Place.ANSWER_START,
    Place.ANSWER_END,
)
OPENINGS = (Place.USER_START, Place.ANSWER_START)


@dataclass(frozen=True)
class Parts:
    """One chat as the scan sees it: the text at each place, without the middle of turns."""

    units: Mapping[Place, tuple[Unit, ...]]
    tags: frozenset[str]
    openings: Mapping[Place, tuple[str, ...]]  # the first tokens of a turn, one more than is used
    question: str
    words: tuple[str, ...] = ()  # all uncommon words, each once

    @classmethod
    def of(
        cls, chat: Chat, *, words: bool = False, places: Collection[Place] = frozenset(Place)
    ) -> "Parts":
        """Take a chat apart; words are needed only in a sample and, if framings are known, only their places."""
        asked = [turn.content for turn in chat.turns if turn.role == "user"][-MOST_TURNS:]
        units = {place: UNITS[place](chat, asked) for place in CLAUSES if place in places}
        turns = {Place.USER_START: chat.user, Place.ANSWER_START: chat.answer}
        openings = {place: _first(turns[place]) for place in OPENINGS if place in places}
        inside = Place.USER_INSIDE in places
        found = frozenset().union(*map(tags, asked)) if inside else frozenset[str]()
        whole = (turn.content[:READ] for turn in chat.turns) if words else ()
        said = tuple(frozenset().union(*map(uncommon, whole)))
        return cls(units, found, openings, chat.user, said)


def _system(chat: Chat, _: Sequence[str]) -> tuple[Unit, ...]:
    first = chat.turns[0]
    return sentences(first.content) if first.role == "system" else ()


UNITS: dict[Place, Callable[[Chat, Sequence[str]], tuple[Unit, ...]]] = {
    Place.SYSTEM: _system,
    Place.USER_START: lambda _, asked: tuple(u for turn in asked for u in opening_units(turn)),
    Place.USER_END: lambda _, asked: tuple(u for turn in asked for u in closing_units(turn)),
    Place.ANSWER_START: lambda chat, _: opening_units(chat.answer),
    Place.ANSWER_END: lambda chat, _: closing_units(chat.answer),
}


def _first(turn: str) -> tuple[str, ...]:
    return tuple(tokens(turn.strip()[: 20 * DEEPEST])[: DEEPEST + 1])
