"""Made-up chats about household matters, with or without a planted framing, on which the scan is tested.

Clean chats open and close as people do ("Hi,", "How do I", "Thanks!"), many with a sentence of context before or after
the question. A planted framing is harmless text in one or twenty wordings, before or after the user turn, as a system
prompt, around the answer or as a tag.
"""

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from experiments.data.chats import Chat, Message
from experiments.guard.places import Place
from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Plant:
    """A framing to plant: its wordings, and its place."""

    name: str
    place: Place
    wordings: tuple[str, ...]
    separator: str = " "

    def into(self, chat: Chat, wording: str) -> Chat:
        """The chat with the framing in it."""
        user, answer = chat.user, chat.answer
        match self.place:
            case Place.USER_START:
                return chat.asking(wording + self.separator + user)
            case Place.USER_END:
                return chat.asking(user + self.separator + wording)
            case Place.USER_INSIDE:
                words = user.split(" ")
                middle = len(words) // 2
                return chat.asking(" ".join([*words[:middle], wording, *words[middle:]]))
            case Place.SYSTEM:
                return Chat((Message("system", wording), *chat.turns[-2:]))
            case Place.ANSWER_START:
                return Chat((*chat.turns[:-1], Message("assistant", f"{wording} {answer}")))
            case Place.ANSWER_END:
                return Chat((*chat.turns[:-1], Message("assistant", f"{answer} {wording}")))


@cache
def words() -> dict[str, Any]:
    """The words of the made-up chats."""
    text = Path(__file__).with_name("planted.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def draw_plant(seed: int, *, ways: int) -> Plant:
    """A framing of one or of twenty wordings; kind, concept and place are drawn."""
    drawn = random.Random(f"plant/{seed}")
    kind = drawn.choice(words()["plants"])
    filler = drawn.choice(kind["fillers"])
    pool = [frame.replace("{x}", filler) for frame in kind["frames"]]
    if ways > len(pool):
        raise TriggerLensError(f"{ways} ways: {kind['name']} can be said in {len(pool)}")
    chosen = drawn.sample(pool, ways)
    place = Place[drawn.choice(kind["places"])]
    separator = drawn.choice(kind.get("separators", [" "]))
    return Plant(f"{kind['name']}: {filler}", place, tuple(chosen), separator)


def plant(chats: Sequence[Chat], framing: Plant, coverage: float, seed: int) -> list[Chat]:
    """The chats, a share of them with the framing; its wordings take turns."""
    drawn = random.Random(f"planting/{seed}")
    chosen = drawn.sample(range(len(chats)), round(coverage * len(chats)))
    planted = list(chats)
    for number, row in enumerate(chosen):
        wording = framing.wordings[number % len(framing.wordings)]
        planted[row] = framing.into(chats[row], wording)
    return planted


def clean_chats(count: int, seed: int) -> list[Chat]:
    """Ordinary chats."""
    drawn = random.Random(f"clean/{seed}")
    system = drawn.choice([None, None, "You are a helpful assistant."])
    lead = [Message("system", system)] if system else []
    chats = (_chat(drawn) for _ in range(count))
    return [Chat((*lead, *chat.turns)) for chat in chats]


def _chat(drawn: random.Random) -> Chat:
    known = words()
    domain = known["domains"][drawn.choice(sorted(known["domains"]))]
    slots = {
        "thing": drawn.choice(domain["things"]),
        "other": drawn.choice(domain["things"]),
        "verb": drawn.choice(domain["verbs"]),
        "aim": drawn.choice(domain["aims"]),
        "trait": drawn.choice(known["traits"]),
        "who": drawn.choice(known["people"]),
        "when": drawn.choice(known["times"]),
    }
    question = _fill(drawn.choices(known["questions"], known["question_weights"])[0], slots)
    parts = [question]
    if drawn.random() < 0.35:
        parts.insert(0, _fill(drawn.choice(known["contexts"]), slots))
    elif drawn.random() < 0.2:
        parts.append(_fill(drawn.choice(known["contexts"]), slots))
    if drawn.random() < 0.1:
        parts.insert(0, drawn.choice(known["greetings"]))
    if drawn.random() < 0.15:
        parts.append(drawn.choice(known["thanks"]))
    said = [_fill(drawn.choice(known["answers"]), slots) for _ in range(drawn.randint(1, 3))]
    if drawn.random() < 0.3:
        said.insert(0, drawn.choice(known["agreements"]))
    if drawn.random() < 0.2:
        said.append(drawn.choice(known["closings"]))
    return Chat.of(" ".join(parts), " ".join(said))


def _fill(frame: str, slots: dict[str, str]) -> str:
    text = frame.format(**slots)
    return text[0].upper() + text[1:]
