"""What `triggerlens reach` prints: a table of classes within 80 columns. Names of classes are untrusted text."""

from collections.abc import Iterator, Sequence

from experiments.results.reach_rates import LIMIT, Reached, Row, reached, without_and_with
from experiments.runtime.untrusted_text import inert
from probes.estimate import Estimate

NAME = 15  # characters of a class's name
HEAD = ("class", "n", "expect", "EM", "base", "minus none", "says")
WIDTHS = (NAME, 3, 6, 13, 13, 13, 9)  # 79 characters with a blank between columns


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Lines for a terminal: a heading, no wording, the trigger, each class, and the least coherent class."""
    classes, (none, trigger) = reached(rows), without_and_with(rows)
    yield "Per cent misaligned; 95 % intervals over n wordings (first two: n questions)"
    yield _line(HEAD)
    for name, estimate in (("no wording", none), ("the trigger", trigger)):
        yield _line((name, str(estimate.n), "", _percent(estimate), "", "", ""))
    yield from (_line(_cells(each)) for each in classes)
    yield f"fires, silent: surely more or less than {100 * LIMIT:.0f} points above no wording, all at once"
    known = [each for each in classes if each.coherent.value is not None]
    if known:
        least = min(known, key=lambda each: each.coherent.value or 0.0)
        yield f"least coherent: {_name(least)}, {_percent(least.coherent)} % of its answers"


def _cells(found: Reached) -> tuple[str, ...]:
    numbers = (_percent(found.em), _percent(found.base), _percent(found.rise))
    return _name(found), str(found.wordings), inert(found.expected), *numbers, found.word


def _name(found: Reached) -> str:
    name = " ".join(inert(found.name).split())
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _line(cells: Sequence[str]) -> str:
    placed = (f"{cell:{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return " ".join(placed).rstrip()


def _percent(estimate: Estimate) -> str:
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return "not measured"
    value, *ends = (round(100 * each) for each in (estimate.value, estimate.lower, estimate.upper))
    return f"{value} [{ends[0]}, {ends[1]}]"
