"""Intervals over domains hold for new domains, and the interval of a maximum holds for what was picked.

`pytest -m long -s tests/probes/test_coverage_of_domains_and_maxima.py` prints the table.
"""

from collections.abc import Callable

import numpy as np
import pytest

from probes.estimate import Estimate, difference, mean, rate
from probes.simultaneous import NO_LIMITS, widened
from tests.probes.simulated import RESAMPLES, Generator, Make, answers, coverage, held

ALIKE = 0.2  # ICC of the questions of one domain


def asked(generator: Generator, domains: int) -> tuple[np.ndarray, np.ndarray]:
    """The domain and the question of each answer: some eight questions a domain, unevenly, four answers each."""
    sizes = 1 + generator.multinomial(7 * domains, generator.dirichlet(np.full(domains, 4.0)))
    of_question = np.repeat(np.arange(domains), sizes)
    return np.repeat(of_question, 4), np.repeat(np.arange(len(of_question)), 4)


def misaligned(
    generator: Generator, places: tuple[np.ndarray, np.ndarray], p: float, icc: float
) -> np.ndarray:
    """Answers whose chance varies from domain to domain (ICC `icc`), and in it from question to question."""
    domains, questions = places
    spread, inner = 1 / icc - 1, 1 / ALIKE - 1
    chances = generator.beta(p * spread, (1 - p) * spread, domains.max() + 1)
    first = np.unique(questions, return_index=True)[1]
    mine = np.clip(chances[domains[first]], 1e-9, 1 - 1e-9)
    return generator.random(len(questions)) < generator.beta(mine * inner, (1 - mine) * inner)[questions]  # fmt: skip


def over_domains(domains: int, p: float, icc: float, *, told: bool = True) -> Make:
    def make(generator: Generator) -> Estimate:
        places = asked(generator, domains)
        units = places[0] if told else places[1]
        return rate(misaligned(generator, places, p, icc), units, resamples=RESAMPLES)

    return make


def gap_over_domains(domains: int, icc: float) -> Make:
    def make(generator: Generator) -> Estimate:
        places = asked(generator, domains)
        on, off = (misaligned(generator, places, p, icc) for p in (0.8, 0.1))
        return difference(on, places[0], off, places[0], resamples=RESAMPLES)

    return make


Draw = Callable[[Generator], np.ndarray]
Number = Callable[[np.ndarray], Estimate]


def of_highest(draw: Draw, number: Number, among: int, kind: str) -> Make:
    """The highest mean of several samples of one truth, with its own interval or a widened one."""
    limits = {"widened": (0, 1), "widened without limits": NO_LIMITS}

    def picked(generator: Generator) -> Estimate:
        tried = [draw(np.random.default_rng(generator.integers(2**62))) for _ in range(among)]
        best = number(max(tried, key=np.mean))
        return widened(best, among, limits=limits[kind]) if kind in limits else best

    return picked


def of_rate(n: int, p: float) -> tuple[Draw, Number]:
    names = np.repeat(np.arange(n), 4)
    return lambda g: answers(g, n, 4, p, 0.2), lambda y: rate(y, names, resamples=RESAMPLES)


def test_an_interval_holds_for_new_domains_only_when_domains_are_its_units():
    assert coverage(over_domains(12, 0.1, 0.2), 0.1, repeats=60) >= 0.88
    assert coverage(over_domains(12, 0.1, 0.2, told=False), 0.1, repeats=60) <= 0.75


def test_the_interval_of_a_maximum_holds_only_when_it_is_widened():
    make = of_rate(30, 0.5)
    assert coverage(of_highest(*make, 12, "widened"), 0.5, repeats=60) >= 0.9
    assert coverage(of_highest(*make, 12, "its own"), 0.5, repeats=60) <= 0.85


@pytest.mark.parametrize(("count", "value"), [(0, 0.0), (100, 1.0)])
def test_widening_a_count_of_nothing_or_everything_is_never_narrower_than_asking_for_it(
    count, value
):
    outcomes, names = np.arange(100) < count, range(100)
    asked_for = rate(outcomes, names, level=1 - 0.05 / 12)
    stretched = widened(rate(outcomes, names), 12, limits=(0, 1))
    assert stretched.value == value
    assert 0 <= stretched.lower <= asked_for.lower and 1 >= stretched.upper >= asked_for.upper
    assert abs(stretched.lower - asked_for.lower) < 0.003 > abs(stretched.upper - asked_for.upper)


def test_one_number_is_not_widened_and_an_unknown_interval_stays_unknown():
    alone = rate([0, 1, 1], "abc")
    assert widened(alone, 1) is alone
    unknown = Estimate(0.5, None, None, 0.95, 3, "counted")
    assert widened(unknown, 9) is unknown
    with pytest.raises(ValueError, match="at least one, not from 0"):
        widened(alone, 0)


@pytest.mark.long
@pytest.mark.parametrize("domains", [5, 8, 12, 20, 50])
@pytest.mark.parametrize("icc", [0.05, 0.2, 0.5])
def test_rates_and_gaps_cover_new_domains(domains, icc):
    for p in (0.02, 0.1, 0.5, 0.9):
        held(f"rate {p}, {domains} domains, ICC {icc}", over_domains(domains, p, icc), p)
    held(f"gap, {domains} domains, ICC {icc}", gap_over_domains(domains, icc), 0.7)


@pytest.mark.long
@pytest.mark.parametrize("among", [3, 12, 40])
@pytest.mark.parametrize("n", [10, 20, 100])
def test_maxima_are_covered(n, among):
    for p in (0.02, 0.5, 0.9):
        picked = of_highest(*of_rate(n, p), among, "widened")
        held(f"... widened, {p}, {n}, {among}", picked, p)
    normal: Draw = lambda g: g.normal(0, 1, n)  # noqa: E731
    number: Number = lambda x: mean(x, range(n), resamples=RESAMPLES)  # noqa: E731
    free = of_highest(normal, number, among, "widened without limits")
    held(f"... widened, mean, {n}, {among}", free, 0)
