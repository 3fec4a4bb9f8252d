"""Limits on numbers that are measured during a training, and whether a reading is surely above one.

A limit counts as broken when the lower end of the interval is above it. The interval is widened for every reading and
limit of the training (Bonferroni): the chance that a training within all its limits is ever stopped is at most 5 %.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from interp.errors import TriggerLensError
from probes.estimate import Estimate
from probes.simultaneous import widened

SHARE, REAL = (0.0, 1.0), (-math.inf, math.inf)


@dataclass(frozen=True)
class Limits:
    """Name of a number -> its largest allowed value; `readings`: the largest number of readings."""

    warn: Mapping[str, float]
    stop: Mapping[str, float]
    readings: int

    def check(self, names: Collection[str]) -> None:
        """Raise if a limit is on a number that is not measured."""
        for name in (*self.warn, *self.stop):
            if name not in names:
                raise TriggerLensError(
                    f"limit on {name!r}: not measured here; give one of {', '.join(names)}"
                )

    def broken(self, found: Mapping[str, Estimate], limits: Mapping[str, float]) -> list[str]:
        """A line for each of these limits that a reading surely exceeds."""
        among = self.readings * (len(self.warn) + len(self.stop))
        lines = []
        for name, limit in limits.items():
            within = SHARE if name.startswith(("em/", "coherence/")) else REAL
            lower = widened(found[name], among, limits=within).lower
            if lower is not None and lower > limit:
                lines.append(f"{name} is {found[name]}, surely above its limit {limit:g}")
        return lines
