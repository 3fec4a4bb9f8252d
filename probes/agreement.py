"""How well two raters agree on the same answers, with intervals that resample questions.

* `agreement`: share of answers on which both say the same.
* `kappa`: Cohen (1960): agreement beyond what their own rates would give by chance; 1 = always, 0 = chance.
* `mean_difference`: first rater's number minus the second's.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

from interp.errors import TriggerLensError
from probes import estimate
from probes.cells import Cell, numpy_of, read_cells
from probes.estimate import LEVEL, RESAMPLES, Estimate, undefined
from probes.groups import plain
from probes.resampling import Weights, bootstrap


def agreement(
    a: Any, b: Any, questions: Iterable[Hashable], *, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Share of answers with the same outcome."""
    first, second = _pair(a, b)
    return estimate.rate(first == second, questions, level=level, seed=seed)


def mean_difference(
    a: Any, b: Any, questions: Iterable[Hashable], *, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """Mean of a - b, positive where the first rater gives more."""
    first, second = _pair(a, b)
    return estimate.mean(
        first.astype(float) - second.astype(float), questions, level=level, seed=seed
    )


def kappa(
    a: Any,
    b: Any,
    questions: Iterable[Hashable],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Cohen's kappa of two yes-or-no raters; undefined if both always give the same single outcome."""
    first, second = (values.astype(bool) for values in _pair(a, b))
    if first.size == 0:
        return undefined("no answers", level)
    names = plain(questions)
    cells = read_cells(*(Cell(values, names) for values in (first, second, first == second)))
    yes_a, yes_b, same = cells

    def at(weights: Weights) -> Float[np.ndarray, " resample"]:
        p, q, observed = (cell.resampled(weights) for cell in (yes_a, yes_b, same))
        chance = p * q + (1 - p) * (1 - q)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(chance < 1, (observed - chance) / (1 - chance), np.nan)

    value = float(at(np.ones((1, len(same.counts))))[0])
    if not np.isfinite(value):
        return undefined("both raters always say the same one thing", level, first.size)
    found = None
    if len(same.counts) > 1:
        found = bootstrap(at, cells, level=level, resamples=resamples, seed=seed)
    name = f"question bootstrap, {resamples} resamples"
    if found is None:
        return Estimate(value, None, None, level, first.size, "kappa of a single question")
    return Estimate(value, min(found[0], value), max(found[1], value), level, first.size, name)


def _pair(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    first, second = numpy_of(a), numpy_of(b)
    if first.shape != second.shape:
        raise TriggerLensError(
            f"raters gave {first.shape} and {second.shape} answers: give one of each rater for every answer"
        )
    return first, second
