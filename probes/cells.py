"""The answers of one cell of a design, and the interval of its rate.

A bootstrap of questions fails for a cell in which no answer or every answer has the outcome, or whose rarer
outcome is on fewer than ten questions: those get an exact interval instead (`probes.estimate`).
"""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from interp.errors import TriggerLensError
from probes.groups import plain
from probes.intervals import Interval, clopper_pearson, effective_sample_size
from probes.resampling import Clusters, bootstrap, cluster

FEW_QUESTIONS = 10


class Cell(NamedTuple):
    """An outcome for each answer of one cell of a design, and the question it answers."""

    outcomes: Any  # booleans or 0/1: list, numpy array or tensor
    questions: Iterable[Hashable]


def read_cells(*cells: Cell) -> list[Clusters]:
    """Check the outcomes of each cell and sum them by question, over the questions of all cells."""
    return cluster([checked(_outcomes(cell.outcomes), cell.questions) for cell in cells])


def checked(values: np.ndarray, questions: Iterable[Hashable]) -> tuple[np.ndarray, list[Hashable]]:
    """Values with their questions; ValueError unless there is one question for each."""
    names = plain(questions)
    if values.ndim != 1 or len(values) != len(names):
        shape = tuple(values.shape)
        raise TriggerLensError(
            f"answers {shape} but {len(names)} questions: give one question each"
        )
    return values, names


def _outcomes(outcomes: Any) -> Bool[np.ndarray, " answer"]:
    values = numpy_of(outcomes)
    if values.size and not np.isin(values, (0, 1)).all():
        strange = values[~np.isin(values, (0, 1))][0]
        raise TriggerLensError(f"outcome {strange}: a rate counts 0 and 1; mean() takes numbers")
    return values.astype(bool)


def numpy_of(values: Any) -> np.ndarray:
    """A list, an array or a tensor (also one with a gradient, or on a device) as an array."""
    tensor = getattr(values, "detach", None)
    return np.asarray(tensor().cpu().numpy() if tensor else values)


def exact_interval(cell: Clusters, level: float) -> tuple[Interval, str] | None:
    """The exact interval of a cell for which a bootstrap fails; None for every other cell."""
    here = cell.present()
    questions, value = len(here.counts), here.value
    if value in (0.0, 1.0):
        interval = clopper_pearson(value * questions, float(questions), level)
        return interval, f"Clopper-Pearson, n = {questions} questions"
    rarer = min(int((here.sums > 0).sum()), int((here.sums < here.counts).sum()))
    if rarer >= FEW_QUESTIONS and np.ptp(here.sums / here.counts) > 0:
        return None
    size = effective_sample_size(here.sums, here.counts, level)
    return clopper_pearson(value * size, size, level), f"Korn-Graubard, effective n = {size:.1f}"


def cell_interval(cell: Clusters, level: float, resamples: int, seed: int) -> Interval:
    """The interval `probes.estimate.rate` would give this cell."""
    exact = exact_interval(cell, level)
    if exact is not None:
        return exact[0]
    here = cell.present()
    found = bootstrap(here.resampled, [here], level=level, resamples=resamples, seed=seed)
    return found or (0.0, 1.0)
