"""Which rows are held out together: questions dealt into folds, and the pairs of folds that nested selection needs.

Method: a probe's regularisation (or layer) is chosen for fold k by probes that saw neither fold k nor fold j, scored
on fold j. Leaving out {j, k} serves both fold k's choice on j and fold j's choice on k, so K folds need K (K - 1) / 2
more training sets, not K (K - 1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Int

from interp.errors import TriggerLensError
from interp.io.validation import check_count

FEWEST_FOLDS = 3  # with two, leaving out a pair leaves nothing
USUAL_FOLDS = 5

Codes = Int[np.ndarray, " row"]


@dataclass(frozen=True)
class Folds:
    """The fold of each row; `how` says in words what was held out."""

    of_row: Codes
    count: int
    how: str

    def left_out(self, *, nested: bool) -> Iterator[tuple[int, ...]]:
        """Every single fold, then (nested) every pair."""
        yield from ((fold,) for fold in range(self.count))
        if nested:
            yield from combinations(range(self.count), 2)

    def training(self, left_out: tuple[int, ...]) -> Bool[np.ndarray, " row"]:
        """The rows that are in none of these folds."""
        return ~np.isin(self.of_row, left_out)


def deal(y: Bool[np.ndarray, " row"], codes: Codes, folds: int, seed: int) -> Codes:
    """The fold of each row: questions shuffled, then dealt in turn by which classes they hold."""
    questions = int(codes.max()) + 1
    positive, negative = (np.bincount(codes[it], minlength=questions) > 0 for it in (y, ~y))
    kinds = 2 * positive + negative
    order = np.random.default_rng(seed).permutation(questions)
    order = order[np.argsort(kinds[order], kind="stable")]
    fold_of = np.empty(questions, int)
    fold_of[order] = np.arange(questions) % folds
    return fold_of[codes]


def default_folds(codes: Codes, grouped: bool) -> int:
    """Five, or the number of questions if that is smaller; ValueError below three."""
    units = len(np.unique(codes)) if grouped else len(codes)
    if units < FEWEST_FOLDS:
        raise TriggerLensError(
            f"{units} {_plural('question', units)}: a sweep holds questions out and needs at least {FEWEST_FOLDS},"
            f" and {2 * USUAL_FOLDS} or more for intervals worth reading; give more questions"
        )
    return min(USUAL_FOLDS, units)


def _plural(noun: str, n: int) -> str:
    return noun if n == 1 else f"{noun}s"


def make_folds(
    y: Bool[np.ndarray, " row"], codes: Codes, *, folds: int, grouped: bool, seed: int
) -> Folds:
    """Deal questions (or rows, if not `grouped`) into folds; ValueError if they are too few."""
    check_count("folds", folds, FEWEST_FOLDS)  # one left out, one to choose by, one to learn from
    units, name = (codes, "questions") if grouped else (np.arange(len(y)), "rows")
    available = len(np.unique(units))
    if available < folds:
        raise TriggerLensError(
            f"{available} {name} for {folds} folds: give more, or ask for fewer folds"
        )
    for value, rows in ((True, y), (False, ~y)):
        holding = len(np.unique(units[rows]))
        if holding < FEWEST_FOLDS:
            raise TriggerLensError(
                f"class {value} is in {holding} of {available} {name}: a sweep needs it in at least 3"
            )
    of_row = deal(y, units, folds, seed)
    how = f"questions held out, {folds} folds"
    if not grouped:
        how = f"UNGROUPED, as asked: rows of one question on both sides, {folds} folds"
    return Folds(of_row, folds, how)


def permuted(
    y: Bool[np.ndarray, " row"], codes: Codes, generator: np.random.Generator
) -> np.ndarray:
    """Shuffled labels: permuted among questions if each question has one label, else among rows."""
    questions = int(codes.max()) + 1
    counts = np.bincount(codes, minlength=questions)
    sums = np.bincount(codes, weights=y, minlength=questions)
    if ((sums == 0) | (sums == counts)).all():
        return generator.permutation(sums > 0)[codes]
    return generator.permutation(y)
