"""Two or more things measured in turn in one run, and what their medians say.

Seconds are of the processor, with torch on one thread: another process on the machine does not change them much.
"""

import time
from collections.abc import Callable, Mapping
from statistics import median

Seconds = dict[str, list[float]]


def seconds(
    things: Mapping[str, Callable[[], object]], pairs: int, *, warm: bool = True
) -> Seconds:
    """Processor seconds of each thing, `pairs` times in turn; with `warm`, after one turn that is not counted."""
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
    """A benchmark's record: the median ratio beside its target, and the ratios it is the median of."""
    ratio = median(ratios)
    return {
        "name": name,
        "ratio": ratio,
        "target": target,
        "reached": ratio <= target,
        "ratios": ratios,
        **facts,
    }
