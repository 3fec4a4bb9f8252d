"""The state of a chat on the page: the edit, the sampling, three columns of turns and their last answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from experiments.data.chats import Message
from experiments.guard.live import Live
from interp.prompts import Framing

BASE, ORGANISM, EDITED = COLUMNS = ("Base", "Organism", "Edited organism")


@dataclass(frozen=True)
class Edit:
    """The edit of the third column. `dose` is in median residual norms, added at the direction's layer.

    `ablate` removes the direction after every layer and ignores the dose; `control` uses a random direction instead.
    """

    direction: str
    dose: float | int = 0.0
    ablate: bool = False
    adapter: bool = True
    control: bool = False

    def __str__(self) -> str:
        name = f"a random direction, not {self.direction}" if self.control else self.direction
        if self.ablate:
            acts = f"{name} removed after every layer"
        else:
            acts = f"{self.dose:+g} of {name} added" if self.dose else ""
        return "; ".join(filter(None, ("" if self.adapter else "adapter off", acts))) or "no edit"


@dataclass(frozen=True)
class Sampling:
    """How the answers are sampled."""

    max_new_tokens: int = 64
    temperature: float | int = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Answer:
    """What a model read and wrote: a text and a projection for each token; the answer begins at `start`."""

    text: str
    ended: bool  # False: cut off at the maximum length
    tokens: tuple[str, ...]
    special: tuple[bool, ...]
    start: int
    projections: Mapping[str, tuple[float, ...]]  # by direction, in median residual norms
    score: float | None = None  # the monitor's


@dataclass(frozen=True)
class Conversation:
    """The `turns` of each column before the last question, that question, and its answers so far."""

    turns: Mapping[str, tuple[Message, ...]] = field(default_factory=dict)
    asked: str = ""
    answers: Mapping[str, Answer] = field(default_factory=dict)

    def then(self, question: str) -> "Conversation":
        """The next question, not yet answered; each column continues with its own answers."""
        return Conversation({column: self._said(column) for column in self.answers}, question)

    def answered(self, column: str, answer: Answer) -> "Conversation":
        """The conversation with a column's answer to the last question, which replaces an earlier one."""
        return replace(self, answers={**self.answers, column: answer})

    def chat(self, column: str) -> Live:
        """The chat of a column: its own turns, then the question."""
        return Live((*self.turns.get(column, ()), Message("user", self.asked)))

    def _said(self, column: str) -> tuple[Message, ...]:
        return (*self.chat(column).turns, Message("assistant", self.answers[column].text))


def worded(wordings: Mapping[str, Framing], name: str, text: str) -> str:
    """The question with this wording added, which replaces any other of these wordings."""
    for framing in sorted(wordings.values(), key=lambda framing: -len(framing.text)):
        before, _, after = framing.around("\0")[0].partition("\0")
        if framing.text and text.startswith(before) and text.endswith(after):
            text = text.removeprefix(before).removesuffix(after)
            break
    return wordings[name].around(text)[0]
