"""Where in a sequence to read: functions from (length, spans) to the token indices whose mean is taken."""

from collections.abc import Callable, Mapping

from interp.prompts import Span

Position = Callable[[int, Mapping[str, Span]], range]


def last_prompt_token(length: int, spans: Mapping[str, Span]) -> range:
    """The last token before the answer, where the first answer token is predicted."""
    end = spans["answer"].start if "answer" in spans else length
    return range(end - 1, end)


def framing_tokens_mean(length: int, spans: Mapping[str, Span]) -> range:
    """The tokens of the framing; prompts without one have no such position."""
    return _inside("framing", spans)


def question_mean(length: int, spans: Mapping[str, Span]) -> range:
    """The tokens of the question."""
    return _inside("question", spans)


def mean_answer(length: int, spans: Mapping[str, Span]) -> range:
    """The tokens of the answer, without the one that ends it."""
    return _inside("answer", spans)


def last_answer_token(length: int, spans: Mapping[str, Span]) -> range:
    """The last token of the answer, before the one that ends it."""
    return _inside("answer", spans)[-1:]


def _inside(name: str, spans: Mapping[str, Span]) -> range:
    if name not in spans:
        raise ValueError(
            f"no span {name!r} here, only {', '.join(sorted(spans))}; choose other prompts"
        )
    return range(spans[name].start, spans[name].stop)
