"""Rate tables as plain text: one line for each number, readable in a terminal and in a file."""

from collections.abc import Iterator, Sequence

from experiments.judging.rate_tables import Group, Rate, rates
from experiments.judging.thresholds import Threshold
from experiments.runtime.untrusted_text import inert
from probes.estimate import Estimate

HEAD = ("", "answers", "questions resampled", "Wilson, answers as if independent")


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
    """One line for each part, with one threshold; a single question has nothing to resample."""
    clustered = any(part.questions > 1 for part in parts)
    head = (f"by {title}", f"EM, {threshold}, of all", *HEAD[2:], "of coherent", "coherent")
    lines: list[tuple[str, ...]] = [head]
    for part in parts:
        em, em_coherent, coherent, _ = rates(part.rows, [threshold], seed=seed)
        name = inert(part.keys[-1][1], 60)
        lines.append((*_cells(name, em), share(em_coherent), share(coherent)))
    yield from columns(lines if clustered else [(*line[:2], *line[3:]) for line in lines])


def _cells(words: str, rate: Rate) -> tuple[str, ...]:
    return words, share(rate), interval(rate.clustered), interval(rate.wilson)


def share(rate: Rate) -> str:
    """91/400 = 22.75 %; undefined where no answer was scored."""
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
