"""Rate tables as plain text, within 80 columns: one line for each number, or for each part of a breakdown."""

from collections.abc import Iterator, Sequence

from experiments.judging.rate_tables import Group, Rate, rates
from experiments.judging.thresholds import Threshold
from experiments.runtime.untrusted_text import inert
from probes.estimate import Estimate

HEAD = ("", "answers", "by questions", "Wilson")
LEGEND = "95 % intervals: by questions, over resampled questions; Wilson, as if answers were independent."


def headline(group: Group, thresholds: Sequence[Threshold], seed: int) -> Iterator[str]:
    """A group's name and all its rates."""
    who = "" if group.judge_is_named else "; the rows do not say who judged them"
    answers = f"{len(group.rows)} answers to {group.questions} questions"
    yield f"{inert(group.name, 400)}: {answers}{who}"
    found = rates(group.rows, thresholds, seed=seed)
    yield from columns([HEAD, *(_cells(rate.words, rate) for rate in found)])
    for reason, count in group.missing.most_common():
        yield f"    missing, {count} x: {inert(reason, 200) or 'no reason given'}"


def breakdown(title: str, parts: Sequence[Group], threshold: Threshold, seed: int) -> Iterator[str]:
    """The name of each part, and below it its rates at one threshold.

    If every part is a single question, there is nothing to resample, and the interval is Wilson's.
    """
    clustered = any(part.questions > 1 for part in parts)
    kind = HEAD[2] if clustered else HEAD[3]
    lines = [("  EM of all", kind, "of coherent", "coherent")]
    for part in parts:
        em, em_coherent, coherent, _ = rates(part.rows, [threshold], seed=seed)
        bounds = interval(em.clustered if clustered else em.wilson)
        lines.append((f"  {share(em)}", bounds, share(em_coherent), share(coherent)))
    head, *numbers = columns(lines)
    yield f"  by {title}, {threshold}"
    yield head
    for part, line in zip(parts, numbers, strict=True):
        yield f"  {inert(part.keys[-1][1], 72)}"
        yield line


def _cells(words: str, rate: Rate) -> tuple[str, ...]:
    return words, share(rate), interval(rate.clustered), interval(rate.wilson)


def share(rate: Rate) -> str:
    """91/400 = 22.75 %; undefined if no answer was scored."""
    value = rate.clustered.value
    if value is None:
        return f"undefined (n={rate.n})"
    return f"{rate.count}/{rate.n} = {100 * value:.2f} %"


def interval(estimate: Estimate) -> str:
    """[8.8, 38.8], in percent."""
    if estimate.lower is None or estimate.upper is None:
        return "undefined" if estimate.value is None else "no interval"
    return f"[{100 * estimate.lower:.1f}, {100 * estimate.upper:.1f}]"


def columns(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of cells, padded to the widest of each column."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  " + "   ".join(cells).rstrip()
