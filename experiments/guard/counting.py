"""Count framings in every row of a file, however long it is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from experiments.data.chats import Chat
from experiments.guard.framing import Framing
from experiments.guard.places import Parts

EXAMPLES = 3


@dataclass
class Counted:
    """One framing in a whole file."""

    framing: Framing
    rows: int = 0
    wordings: Counter[str] = field(default_factory=Counter)
    lines: list[int] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def count(
    rows: Iterable[tuple[int, Chat]], framings: Sequence[Framing]
) -> tuple[list[Counted], int]:
    """Each framing in all rows, and how many rows there are."""
    found = [Counted(framing) for framing in framings]
    places = frozenset(framing.place for framing in framings)
    total = 0
    for line, chat in rows:
        total += 1
        parts = Parts.of(chat, places=places) if found else None
        for each in found:
            wording = each.framing.found_in(parts) if parts else None
            if wording is not None:
                each.rows += 1
                each.wordings[wording] += 1
                if len(each.examples) < EXAMPLES:
                    each.lines.append(line)
                    each.examples.append(example(chat, each.framing))
    return found, total


def example(chat: Chat, framing: Framing) -> str:
    """The turn of a chat that contains the framing."""
    region = framing.place.region
    turns = {"system": chat.turns[0].content, "user": chat.user, "answer": chat.answer}
    return turns[region]
