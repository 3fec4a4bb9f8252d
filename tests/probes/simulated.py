"""Simulated studies, and how often their intervals hold the truth."""

from collections.abc import Callable

import numpy as np

from probes.estimate import Estimate

REPEATS, RESAMPLES = 200, 400
NOISE = 0.045  # two standard errors of a share of 0.9 over 200 repeats
Generator = np.random.Generator
Make = Callable[[Generator], Estimate]


def coverage(make: Make, truth: float, repeats: int = REPEATS) -> float:
    """The share of simulated studies whose interval holds the truth."""
    found = [make(np.random.default_rng(seed)) for seed in range(repeats)]
    return float(np.mean([e.lower - 1e-9 <= truth <= e.upper + 1e-9 for e in found]))


def answers(generator: Generator, n: int, k: int, p: float, icc: float) -> np.ndarray:
    """k answers to each of n questions, beta-binomial: their intraclass correlation is `icc`."""
    a, b = (share * (1 / icc - 1) if icc else 1.0 for share in (p, 1 - p))
    chances = generator.beta(a, b, n) if icc else np.full(n, p)
    return (generator.random((n, k)) < chances[:, None]).ravel()


def held(what: str, make: Make, truth: float, floor: float = 0.9) -> None:
    share = coverage(make, truth)
    print(f"| {what} | {100 * share:.1f} |")
    assert share >= floor - NOISE, what
