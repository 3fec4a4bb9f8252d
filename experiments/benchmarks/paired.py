"""Two or more functions measured in turn in one run, and ratios of their medians.

Seconds are processor seconds, with torch on one thread: other processes on the machine hardly change them.
"""

import time
from collections.abc import Callable, Mapping
from statistics import median

Seconds = dict[str, list[float]]


def seconds(
    things: Mapping[str, Callable[[], object]], pairs: int, *, warm: bool = True
) -> Seconds:
    """Processor seconds of each function, `pairs` times in turn; with `warm`, after one uncounted turn."""
    taken: Seconds = {name: [] for name in things}
    for turn in range(pairs + warm):
        for name, thing in things.items():
            start = time.process_time()
            thing()
            if turn >= warm:
                taken[name].append(time.process_time() - start)
    return taken


def ratios(taken: Seconds, ours: str, theirs: str) -> list[float]:
    """Ours over theirs, turn by turn."""
    return [a / b for a, b in zip(taken[ours], taken[theirs], strict=True)]


def record(name: str, ratios: list[float], target: float, **facts: object) -> dict[str, object]:
    """A benchmark's record: the median ratio, its target, and all ratios."""
    ratio = median(ratios)
    return {
        "name": name,
        "ratio": ratio,
        "target": target,
        "reached": ratio <= target,
        "ratios": ratios,
        **facts,
    }
