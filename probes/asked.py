"""Check what a sweep was asked to try before anything is fitted."""

from collections.abc import Mapping, Sequence
from typing import Any

from interp.errors import TriggerLensError


def named_probes(probes: Any) -> dict[str, Any]:
    """The probes by name; they must be estimators, not their classes."""
    if not isinstance(probes, Mapping) or not probes:
        raise TriggerLensError(
            f"probes={probes!r}: give a mapping such as {{'mine': LogisticProbe()}}"
        )
    for name, probe in probes.items():
        if isinstance(probe, type):
            raise TriggerLensError(
                f"probe {name!r} is the class {probe.__name__}; give {probe.__name__}()"
            )
    return dict(probes)


def check_strengths(strengths: Mapping[str, Sequence[Any]], probes: Mapping[str, Any]) -> None:
    """Raise unless each list of strengths belongs to a probe that has a strength, and each is above 0."""
    for name, asked in strengths.items():
        if name not in probes:
            raise TriggerLensError(
                f"strengths of unknown probe {name!r}; the probes are {', '.join(probes)}"
            )
        if getattr(probes[name], "knob", None) is None:
            raise TriggerLensError(f"strengths of {name!r}, which has none to choose; leave it out")
        if not asked or not all(each > 0 for each in asked):
            raise TriggerLensError(
                f"strengths of {name!r} are {asked}: give at least one, all above 0"
            )
