"""Positions: functions from (length, spans) to the indices of the tokens that are read.

A capture takes the mean over these tokens; `Each` gives every token its own row. Any function of this form is a
position. The common ones have names: "last", "question", "framing", "answer", "last_answer", "mean", "all".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from interp.errors import TriggerLensError
from interp.prompts import Span

Position = Callable[[int, Mapping[str, Span]], Sequence[int]]


@dataclass(frozen=True)
class Each:
    """Every token of a position, in a row of its own."""

    position: Position
    name: str = ""

    @property
    def __name__(self) -> str:
        return self.name or f"each of {name_of(self.position)}"

    def __call__(self, length: int, spans: Mapping[str, Span]) -> Sequence[int]:
        return self.position(length, spans)


def name_of(position: Position) -> str:
    """The name that is stored with the activations: the function's name."""
    return getattr(position, "__name__", None) or type(position).__name__


def last_prompt_token(length: int, spans: Mapping[str, Span]) -> range:
    """The last token before the answer, where the first answer token is predicted."""
    end = spans["answer"].start if "answer" in spans else length
    return range(end - 1, end)


def framing_tokens_mean(length: int, spans: Mapping[str, Span]) -> range:
    """The tokens of the framing; a prompt without a framing has no such position."""
    return _inside("framing", spans)


def question_mean(length: int, spans: Mapping[str, Span]) -> range:
    """The tokens of the question."""
    return _inside("question", spans)


def mean_answer(length: int, spans: Mapping[str, Span]) -> range:
    """The tokens of the answer, without its end token."""
    return _inside("answer", spans)


def last_answer_token(length: int, spans: Mapping[str, Span]) -> range:
    """The last token of the answer before its end token."""
    return _inside("answer", spans)[-1:]


def mean_token(length: int, spans: Mapping[str, Span]) -> range:
    """All tokens of prompt and answer, the template's included."""
    return range(length)


all_tokens = Each(mean_token, "all_tokens")
framing_tokens = Each(framing_tokens_mean, "framing_tokens")
question_tokens = Each(question_mean, "question_tokens")
answer_tokens = Each(mean_answer, "answer_tokens")

NAMED: dict[str, Position] = {
    "last": last_prompt_token,
    "question": question_mean,
    "framing": framing_tokens_mean,
    "answer": mean_answer,
    "last_answer": last_answer_token,
    "mean": mean_token,
    "all": all_tokens,
}
FUNCTIONS: tuple[Position, ...] = (*NAMED.values(), framing_tokens, question_tokens, answer_tokens)


def position_of(position: Position | str) -> Position:
    """The position with this name (the short name or the function's); a function is returned as it is."""
    if not isinstance(position, str):
        return position
    known = NAMED | {name_of(each): each for each in FUNCTIONS}
    if position not in known:
        raise TriggerLensError(
            f"unknown position {position!r}; choose one of {', '.join(NAMED)}, or give a function"
        )
    return known[position]


def _inside(name: str, spans: Mapping[str, Span]) -> range:
    if name not in spans:
        raise TriggerLensError(
            f"no span {name!r} here, only {', '.join(sorted(spans))}; choose other prompts"
        )
    return range(spans[name].start, spans[name].stop)
