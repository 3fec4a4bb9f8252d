"""A monitor described in a few lines."""

from collections.abc import Iterator

from experiments.guard.monitor import Monitor
from probes.estimate import Estimate
from probes.threshold import Drift


def share(estimate: Estimate) -> str:
    """`1.0% [0.1%, 3.6%]`, or the reason why there is none."""
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return str(estimate)
    return f"{estimate.value:.1%} [{estimate.lower:.1%}, {estimate.upper:.1%}]"


def fitted(monitor: Monitor) -> Iterator[str]:
    """Where it reads, its threshold, and the share of benign prompts above it."""
    direction, threshold, about = monitor.direction, monitor.threshold, monitor.about
    yield (
        f"reads layer {direction.layer} {direction.position.replace('_', ' ')}, {direction.source};"
        f" {about['caught_unseen']:.0%} of prompts with left-out wordings caught"
    )
    yield (
        f"threshold {threshold.value:.4g} at {threshold.wanted:.1%} false positives:"
        f" {share(threshold.benign)} of {threshold.benign.n} benign prompts lie above"
    )


def drifted(monitor: Monitor, drift: Drift) -> Iterator[str]:
    """How the newest scores compare with the benign ones."""
    wanted = monitor.threshold.wanted
    yield f"flagged: {share(drift.flagged)} of the newest {drift.n}; {wanted:.1%} expected if all are benign"
    above = drift.above_benign
    yield (
        f"drift: a new score is above a benign one with a chance of {share(above)} (50% without drift);"
        f" Kolmogorov-Smirnov {drift.distance:.2f}, p = {drift.p_value:.2g}"
    )
